/** What lies above every view of a design: lists to choose from, the shortcuts, notices, and what a screen reader says. */

import { useSyncExternalStore } from "react";
import { Add } from "./add";
import { Help, NoticeBox } from "./chrome";
import type { Editor } from "./editor";
import { Find } from "./find";
import type { Spot } from "./actions";
import type { Shortcut } from "./keys";

interface OverlaysProps {
  editor: Editor;
  /** Where something new goes, in words. */
  whereOf: (spot: Spot) => string;
  /** Where something new can be dragged, in words. */
  dragTo: string;
  shortcuts: readonly Shortcut[];
}

export function Overlays({ editor, whereOf, dragTo, shortcuts }: OverlaysProps) {
  const { add, choose, close, level, opened, palette, said, session } = editor;
  const { notice } = useSyncExternalStore(session.subscribe, session.current);
  return (
    <>
      {level && level.nodes.length === 0 && (
        <p className="empty">{level.block === null ? "An empty network. Press / to add an Input." : "An empty block. Press / to add a layer."}</p>
      )}
      {!level && <p className="empty">{notice?.isOutage ? "The network could not be loaded." : "Loading…"}</p>}
      {opened?.kind === "add" && (
        <Add entries={palette} text={opened.text} where={whereOf(opened.spot)} dragTo={dragTo} onAdd={(name) => add(name, opened.spot)} onClose={close} />
      )}
      {opened?.kind === "find" && level && (
        <Find
          nodes={level.nodes}
          onClose={close}
          onFind={(id) => {
            close();
            choose([id]);
          }}
        />
      )}
      {opened?.kind === "help" && <Help shortcuts={shortcuts} onClose={close} />}
      <NoticeBox notice={notice} onDismiss={() => session.dismiss()} />
      <div className="unseen" aria-live="polite">{said}</div>
    </>
  );
}
