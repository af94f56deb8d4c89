/** What each key does on the canvas and in the stack, and the lists of help that say so. */

import type { Step } from "./graph";
import type { Direction } from "./layout";

export type Command =
  | "add" | "remove" | "duplicate" | "copy" | "cut" | "undo" | "redo" | "selectAll" | "unselect"
  | "open" | "up" | "back" | "find" | "fit" | "help" | "forward" | "backward" | "left" | "right" | "nudge"
  | "first" | "last" | "moveDown" | "moveUp";

/** The two ways in which a design is shown. */
export type View = "canvas" | "stack";

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

const ADDING: Shortcut = { keys: "/ or any letter", does: "Add a layer or block" };
const LEVELS: readonly Shortcut[] = [
  { keys: "Enter or double click", does: "Open a block" },
  { keys: "Alt + ↑, or Backspace with nothing selected", does: "Back to the level above" },
  { keys: "Delete or Backspace", does: "Delete what is selected" },
];
const EDITING: readonly Shortcut[] = [
  { keys: "Ctrl + A", does: "Select all" },
  { keys: "Escape", does: "Select nothing" },
  { keys: "Ctrl + D", does: "Duplicate" },
  { keys: "Ctrl + C, X, V", does: "Copy, cut, paste" },
  { keys: "Ctrl + Z", does: "Undo" },
  { keys: "Ctrl + Shift + Z or Ctrl + Y", does: "Redo" },
  { keys: "Ctrl + F", does: "Find a node by name" },
];
const HELP: Shortcut = { keys: "?", does: "This list" };

export const CANVAS_SHORTCUTS: readonly Shortcut[] = [
  ADDING,
  { keys: "Arrow keys", does: "Walk along the connections, and between neighbours" },
  { keys: "Shift + arrow keys", does: "Walk, and select what is come by" },
  { keys: "Ctrl + arrow keys", does: "Move what is selected" },
  ...LEVELS,
  { keys: "Shift + drag", does: "Select with a box" },
  { keys: "Ctrl + click", does: "Select one more" },
  ...EDITING,
  { keys: "F", does: "Show everything" },
  HELP,
];

export const STACK_SHORTCUTS: readonly Shortcut[] = [
  ADDING,
  { keys: "↑, ↓, Home, End", does: "Go to another node; with Shift select those between too" },
  { keys: "Ctrl or Alt + Shift + ↑ or ↓, or drag", does: "Move what is selected" },
  ...LEVELS,
  { keys: "Ctrl or Shift + click", does: "Select one more, or all up to there" },
  ...EDITING,
  HELP,
];

const PLAIN: Record<string, Command> = {
  "/": "add", "?": "help", f: "fit", F: "fit", Enter: "open", Escape: "unselect", Delete: "remove", Backspace: "back",
  ArrowUp: "backward", ArrowDown: "forward", ArrowLeft: "left", ArrowRight: "right",
};

const WITH_CONTROL: Record<string, Command> = {
  a: "selectAll", c: "copy", d: "duplicate", f: "find", x: "cut", y: "redo", z: "undo",
  arrowup: "nudge", arrowdown: "nudge", arrowleft: "nudge", arrowright: "nudge",
};

/** Where the stack differs: it is one column, and all of it is there to be scrolled to. */
const IN_STACK: Record<string, Command | null> = {
  f: "add", F: "add", ArrowLeft: null, ArrowRight: null, Home: "first", End: "last",
};
const MOVES: Record<string, Command> = { ArrowUp: "moveUp", ArrowDown: "moveDown" };

/** The command of a key, null for a key that the view leaves alone. A letter adds: it begins the search. */
export function commandOf({ key, ctrlKey, metaKey, shiftKey, altKey }: Press, view: View): Command | null {
  if (view === "stack" && key.startsWith("Arrow") && (ctrlKey || metaKey || (altKey && shiftKey))) return MOVES[key] ?? null;
  if (ctrlKey || metaKey) {
    if (altKey) return null;
    const command = WITH_CONTROL[key.toLowerCase()] ?? null;
    if (!shiftKey) return command;
    return command === "undo" ? "redo" : null; // the browser's own, such as Ctrl+Shift+C
  }
  if (altKey) return key === "ArrowUp" ? "up" : null;
  if (view === "stack" && key in IN_STACK) return IN_STACK[key]!;
  return PLAIN[key] ?? (/^\p{L}$/u.test(key) ? "add" : null);
}

/** Which way an arrow key goes along the signal. */
export function stepOf(command: Command, direction: Direction): Step | null {
  const down: Partial<Record<Command, Step>> = { forward: "forward", backward: "back", left: "previous", right: "next" };
  const right: Partial<Record<Command, Step>> = { forward: "next", backward: "previous", left: "back", right: "forward" };
  return (direction === "down" ? down : right)[command] ?? null;
}
