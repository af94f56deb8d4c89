/** What each key does on the canvas; the help is made from the same list. */

import type { Step } from "./graph";
import type { Direction } from "./layout";

export type Command =
  | "add" | "remove" | "duplicate" | "copy" | "cut" | "undo" | "redo" | "selectAll" | "unselect"
  | "open" | "up" | "back" | "find" | "fit" | "help" | "forward" | "backward" | "left" | "right" | "nudge";

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
}

export interface Shortcut {
  keys: string;
  does: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { keys: "/ or any letter", does: "Add a layer or block" },
  { keys: "Arrow keys", does: "Walk along the connections, and between neighbours" },
  { keys: "Shift + arrow keys", does: "Walk, and select what is come by" },
  { keys: "Ctrl + arrow keys", does: "Move what is selected" },
  { keys: "Enter or double click", does: "Open a block" },
  { keys: "Alt + ↑, or Backspace with nothing selected", does: "Back to the level above" },
  { keys: "Delete or Backspace", does: "Delete what is selected" },
  { keys: "Shift + drag", does: "Select with a box" },
  { keys: "Ctrl + click", does: "Select one more" },
  { keys: "Ctrl + A", does: "Select all" },
  { keys: "Escape", does: "Select nothing" },
  { keys: "Ctrl + D", does: "Duplicate" },
  { keys: "Ctrl + C, X, V", does: "Copy, cut, paste" },
  { keys: "Ctrl + Z", does: "Undo" },
  { keys: "Ctrl + Shift + Z or Ctrl + Y", does: "Redo" },
  { keys: "Ctrl + F", does: "Find a node by name" },
  { keys: "F", does: "Show everything" },
  { keys: "?", does: "This list" },
];

const PLAIN: Record<string, Command> = {
  "/": "add", "?": "help", f: "fit", F: "fit", Enter: "open", Escape: "unselect", Delete: "remove", Backspace: "back",
  ArrowUp: "backward", ArrowDown: "forward", ArrowLeft: "left", ArrowRight: "right",
};

const WITH_CONTROL: Record<string, Command> = {
  a: "selectAll", c: "copy", d: "duplicate", f: "find", x: "cut", y: "redo", z: "undo",
  arrowup: "nudge", arrowdown: "nudge", arrowleft: "nudge", arrowright: "nudge",
};

/** The command of a key, null for a key that the canvas leaves alone. A letter adds: it begins the search. */
export function commandOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Press): Command | null {
  if (ctrlKey || metaKey) {
    if (altKey) return null;
    const command = WITH_CONTROL[key.toLowerCase()] ?? null;
    if (!shiftKey) return command;
    return command === "undo" ? "redo" : null; // the browser's own, such as Ctrl+Shift+C
  }
  if (altKey) return key === "ArrowUp" ? "up" : null;
  return PLAIN[key] ?? (/^\p{L}$/u.test(key) ? "add" : null);
}

/** Which way an arrow key goes along the signal. */
export function stepOf(command: Command, direction: Direction): Step | null {
  const down: Partial<Record<Command, Step>> = { forward: "forward", backward: "back", left: "previous", right: "next" };
  const right: Partial<Record<Command, Step>> = { forward: "next", backward: "previous", left: "back", right: "forward" };
  return (direction === "down" ? down : right)[command] ?? null;
}
