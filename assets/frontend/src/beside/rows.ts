/** What stands in the layer table: how it is shown, copied and saved. */

import { isWithin } from "../canvas/lamp";

export type Cell = string | number | null;

export interface Row {
  cells: Cell[];
  /** The node on the canvas; null for a row that is about none, as a total. */
  path: string | null;
  family: string | null;
}

export interface Column {
  name: string;
  help: string;
  isWords: boolean;
}

const COUNT = new Intl.NumberFormat("en-US");

export function shown(cell: Cell): string {
  return cell === null ? "–" : typeof cell === "number" ? COUNT.format(cell) : cell;
}

/** Whether a row is about a node, about something inside it, or about the block that the node is in. */
export function isAbout({ path }: Row, node: string): boolean {
  return path !== null && (isWithin(path, node) || isWithin(node, path));
}

function lines(columns: readonly Column[], rows: readonly Row[]): Cell[][] {
  return [columns.map((column) => column.name), ...rows.map((row) => row.cells)];
}

/** As spreadsheets take it from the clipboard: plain numbers, tabs between. */
export function tabbed(columns: readonly Column[], rows: readonly Row[]): string {
  return lines(columns, rows).map((cells) => cells.map((cell) => harmless(cell).replace(/\s+/g, " ")).join("\t")).join("\n");
}

/** RFC 4180. */
export function csv(columns: readonly Column[], rows: readonly Row[]): string {
  const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return lines(columns, rows).map((cells) => cells.map((cell) => quoted(harmless(cell))).join(",") + "\r\n").join("");
}

/** A person's words must not become a formula in a spreadsheet. */
function harmless(cell: Cell): string {
  const text = String(cell ?? "");
  return typeof cell === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

const PAGE = 10;

/** The row that a key leads to; null for any other key. */
export function rowAfter(key: string, from: number, count: number): number | null {
  const to = { ArrowDown: from + 1, ArrowUp: from - 1, PageDown: from + PAGE, PageUp: from - PAGE, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : Math.max(0, Math.min(count - 1, to));
}
