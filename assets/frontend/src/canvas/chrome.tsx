/** What stands around the graph: the tools, the way back, notices and the list of shortcuts. */

import { Fragment, useEffect, useRef } from "react";
import { Icon, type IconName } from "./icons";
import type { Shortcut } from "./keys";
import type { Notice } from "./session";

export interface Tool {
  icon: IconName;
  label: string;
  keys?: string;
  isOff?: boolean;
  /** For a tool that stays on. */
  isOn?: boolean;
  run: () => void;
}

/** Icon buttons in groups. */
export function Toolbar({ label, groups }: { label: string; groups: Tool[][] }) {
  return (
    <div className="toolbar" role="toolbar" aria-label={label}>
      {groups.map((tools, index) => (
        <div key={index} className="tools">
          {tools.map(({ icon, label, keys, isOff = false, isOn, run }) => (
            <button
              key={label}
              type="button"
              aria-label={label}
              aria-pressed={isOn}
              title={keys ? `${label} (${keys})` : label}
              disabled={isOff}
              onClick={run}
            >
              <Icon name={icon} />
            </button>
          ))}
        </div>
      ))}
    </div>
  );
}

interface BreadcrumbProps {
  /** Of the network, the highest level. */
  name: string;
  path: { at: string; title: string }[];
  onGo: (at: string) => void;
}

/** The levels above the one on show; nothing on the highest. */
export function Breadcrumb({ name, path: below, onGo }: BreadcrumbProps) {
  const path = below[0]?.at === "" ? below : [{ at: "", title: name || "Network" }, ...below];
  if (path.length < 2) return null;
  return (
    <nav className="breadcrumb" aria-label="Levels">
      <ol>
        {path.map(({ at, title }, index) => (
          <li key={at}>
            {index < path.length - 1
              ? <button type="button" onClick={() => onGo(at)}>{title}</button>
              : <span aria-current="location">{title}</span>}
          </li>
        ))}
      </ol>
    </nav>
  );
}

export function NoticeBox({ notice, onDismiss }: { notice: Notice | null; onDismiss: () => void }) {
  return (
    <div role="alert" className="notices">
      {notice && (
        <div className={notice.isOutage ? "notice is-outage" : "notice"}>
          <Icon name="warning" />
          <div>
            <strong>{notice.title}</strong> {notice.because}
          </div>
          <button type="button" aria-label="Dismiss" title="Dismiss" onClick={onDismiss}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </div>
  );
}

/** Tab goes round among the buttons of a dialog: what it covers is out of reach meanwhile. */
function goRound(event: React.KeyboardEvent): void {
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  buttons.at((at + (event.shiftKey ? -1 : 1)) % buttons.length)?.focus();
  event.preventDefault();
}

/** All shortcuts; Escape or a click beside it closes. */
export function Help({ shortcuts, onClose }: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus({ preventScroll: true }), []);
  const press = (event: React.KeyboardEvent) => {
    if (event.key === "Tab") goRound(event);
    else if (event.key === "Escape" || event.key === "?") onClose();
    if (event.key !== "Shift") event.stopPropagation();
  };
  return (
    <div className="help-cover" onClick={onClose} onKeyDown={press}>
      <div className="help nowheel" role="dialog" aria-modal="true" aria-label="Keyboard and mouse" onClick={(event) => event.stopPropagation()}>
        <button ref={button} type="button" aria-label="Close" title="Close (Escape)" onClick={onClose}>
          <Icon name="close" />
        </button>
        <dl>
          {shortcuts.map(({ keys, does }) => (
            <Fragment key={keys}>
              <dt>{keys}</dt>
              <dd>{does}</dd>
            </Fragment>
          ))}
        </dl>
      </div>
    </div>
  );
}

/** In which form the canvas is saved as a picture. */
export function PictureChoice({ onChoose, onClose }: { onChoose: (format: "svg" | "png") => void; onClose: () => void }) {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus({ preventScroll: true }), []);
  const press = (event: React.KeyboardEvent) => {
    if (event.key === "Tab") goRound(event);
    else if (event.key === "Escape") onClose();
    if (event.key !== "Shift") event.stopPropagation();
  };
  return (
    <div className="help-cover" onClick={onClose} onKeyDown={press}>
      <div className="help picture" role="dialog" aria-modal="true" aria-label="Save as a picture" onClick={(event) => event.stopPropagation()}>
        <p>This level of the network, on white, without the problem markers.</p>
        <button ref={first} type="button" onClick={() => onChoose("svg")}>SVG, for a paper</button>
        <button type="button" onClick={() => onChoose("png")}>PNG, for a slide</button>
        <button type="button" onClick={onClose}>Cancel</button>
      </div>
    </div>
  );
}
