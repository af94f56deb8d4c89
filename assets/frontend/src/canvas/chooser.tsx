/** A text field over a list that it narrows: of what can be added, or of the nodes to go to. */

import { useEffect, useId, useRef, type KeyboardEvent, type ReactNode } from "react";
import { useState } from "react";

export interface Choice {
  key: string;
  group: string;
  content: ReactNode;
}

interface ChooserProps {
  label: string;
  placeholder: string;
  text: string;
  choices: readonly Choice[];
  /** What stands below the list, or instead of an empty one. */
  hint: string;
  empty: string;
  className?: string;
  onText: (text: string) => void;
  onChoose: (key: string) => void;
  onClose: () => void;
  /** Makes the choices draggable. */
  onDrag?: (key: string, transfer: DataTransfer) => void;
}

/** Arrow keys move, Enter chooses, Escape closes; the field keeps the focus all the while. */
export function Chooser({ label, placeholder, text, choices, hint, empty, className = "", onText, onChoose, onClose, onDrag }: ChooserProps) {
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const [marked, setMarked] = useState(0);
  const id = useId();
  const index = Math.min(marked, choices.length - 1);

  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  useEffect(() => setMarked(0), [text]);
  useEffect(() => {
    // In braces: some browsers return a promise, which React would take for what cleans up.
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [index, text]);

  const press = (event: KeyboardEvent) => {
    event.stopPropagation(); // the page has one-letter shortcuts, the canvas too
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined && choices.length > 0) setMarked(Math.max(0, Math.min(choices.length - 1, index + step)));
    else if (event.key === "Enter" && choices[index]) onChoose(choices[index].key);
    else if (event.key === "Escape") onClose();
    else return;
    event.preventDefault();
  };

  return (
    <div className={`chooser nowheel nodrag nopan ${className}`} role="dialog" aria-label={label} onKeyDown={press}>
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={index >= 0 ? `${id}-${index}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        value={text}
        onChange={(event) => onText(event.target.value)}
      />
      <ul ref={list} id={`${id}-list`} role="listbox" aria-label={label}>
        {choices.map(({ key, group, content }, at) => (
          <li key={key} role="presentation">
            {group && group !== choices[at - 1]?.group && <div className="chooser-group" role="presentation">{group}</div>}
            <div
              id={`${id}-${at}`}
              className="choice"
              role="option"
              aria-selected={at === index}
              draggable={onDrag !== undefined}
              onDragStart={(event) => onDrag?.(key, event.dataTransfer)}
              onPointerMove={() => setMarked(at)}
              onClick={() => onChoose(key)}
            >
              {content}
            </div>
          </li>
        ))}
        {choices.length === 0 && <li className="chooser-empty">{empty}</li>}
      </ul>
      <div className="chooser-hint">{hint}</div>
    </div>
  );
}
