/** The palette: what can be added, found by name, chosen or dragged to its place. */

import { useMemo, useState } from "react";
import { Chooser, type Choice } from "./chooser";
import { familyColor } from "./family";
import { groupByFamily, searchPalette, type PaletteEntry } from "./palette";

/** What a dragged entry is called while it is on its way. */
export const DRAGGED = "application/x-layerlab-entry";

interface AddProps {
  entries: readonly PaletteEntry[] | null;
  /** What a person has typed before the palette was there. */
  text: string;
  /** Where an entry goes, in words. */
  where: string;
  /** Where an entry can be dragged, in words. */
  dragTo: string;
  onAdd: (name: string) => void;
  onClose: () => void;
}

export function Add({ entries, text: first, where, dragTo, onAdd, onClose }: AddProps) {
  const [text, setText] = useState(first);
  const [isDragging, setDragging] = useState(false);
  const choices = useMemo((): Choice[] => {
    const groups = groupByFamily(searchPalette(entries ?? [], text));
    return groups.flatMap(({ family, entries: members }) =>
      members.map((entry) => ({ key: entry.name, group: family, content: <Entry entry={entry} /> })),
    );
  }, [entries, text]);
  const drag = (name: string, transfer: DataTransfer) => {
    transfer.setData(DRAGGED, name);
    transfer.effectAllowed = "copy";
    setTimeout(() => setDragging(true)); // taken away at once, the drag would end
  };
  return (
    <div onDragEnd={onClose}>
      <Chooser
        label="Add a layer or block"
        placeholder="Search layers and blocks"
        text={text}
        choices={choices}
        hint={`Enter adds ${where}. Drag ${dragTo}.`}
        empty={entries ? "Nothing is called that." : "Loading…"}
        className={isDragging ? "is-dragging" : ""}
        onText={setText}
        onChoose={onAdd}
        onClose={onClose}
        onDrag={drag}
      />
    </div>
  );
}

function Entry({ entry: { name, family, about } }: { entry: PaletteEntry }) {
  return (
    <span className="entry" style={{ "--family": familyColor(family) }}>
      <span className="entry-name">{name}</span>
      <span className="entry-about">{about}</span>
    </span>
  );
}
