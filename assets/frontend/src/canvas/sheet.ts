/** What the server says of one level of a design, and how its answers are laid over what is held already. */

/** A position in canvas pixels: the top left corner of a node. */
export type Place = [number, number];

export interface Problem {
  severity: "error" | "warning";
  title: string;
  because: string;
}

/** One layer or block, as it is shown. */
export interface SheetNode {
  id: string;
  title: string;
  type: string;
  block: boolean;
  repeat: number;
  family: string;
  about: string;
  /** What each input reads: `id` (its first output), `id:output`, or null where it is open. */
  inputs: (string | null)[];
  /** The names of the inputs: `x*` stands for any number of them, `mask?` may stay open. */
  ports: string[];
  outputs: string[];
  /** The shape of each output, in words. */
  shapes: string[];
  parameters: string;
  frozen: boolean;
  place: Place | null;
  problem: Problem | null;
}

/** An answer: everything where `base` is null, else what has changed since the revision `base`. */
export interface Sheet {
  revision: number;
  base: number | null;
  at: string;
  name: string;
  undo: boolean;
  redo: boolean;
  /** The block whose inside this is, null for the network itself. */
  block: string | null;
  /** The levels from below the network down to this one. */
  path: { at: string; title: string }[];
  /** The inputs of the block: references that no node of this level gives. */
  given: string[];
  /** What leaves this level, as references. */
  outputs: string[];
  nodes: SheetNode[];
  gone: string[];
  order: string[] | null;
  added?: string[];
}

/** One level of a design as it is held here: a sheet's facts, and all nodes in document order. */
export type Level = Omit<Sheet, "base" | "gone" | "order" | "added">;

/** A sheet was made for another revision than the one that is held: the whole is needed. */
export const STALE = "stale";

function areEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The same list where nothing differs, so that what depends on it is not made again. */
function kept<Value>(before: Value | undefined, now: Value): Value {
  return before !== undefined && areEqual(before, now) ? before : now;
}

/**
 * The level after an answer. A node that says the same as before stays the same object.
 * STALE where the answer has changes to a revision that is not held.
 */
export function applySheet(held: Level | null, sheet: Sheet): Level | typeof STALE {
  const { base, gone, order, added: _, nodes: changed, ...facts } = sheet;
  if (base !== null && (held === null || held.revision !== base || held.at !== sheet.at)) return STALE;
  const before = new Map(held?.at === sheet.at ? held.nodes.map((node) => [node.id, node]) : []);
  const nodes = new Map(base === null ? [] : before);
  for (const id of gone) nodes.delete(id);
  for (const node of changed) nodes.set(node.id, kept(before.get(node.id), node));
  const ids = new Set([...(order ?? []), ...nodes.keys()]); // an order that leaves nodes out hides none
  const sorted = [...ids].flatMap((id) => nodes.get(id) ?? []);
  const isSame = held !== null && sorted.length === held.nodes.length && sorted.every((node, index) => node === held.nodes[index]);
  return {
    ...facts,
    path: kept(held?.path, facts.path),
    given: kept(held?.given, facts.given),
    outputs: kept(held?.outputs, facts.outputs),
    nodes: isSame ? held.nodes : sorted,
  };
}

/** What is said of an edit that the server must refuse. */
export interface Refusal {
  problems: Problem[];
}

/** What the canvas asks for; the rules are the server's. */
export type Edit =
  | { edit: "connect"; node: string; port: number; source: string | null; block: string | null }
  | { edit: "remove"; node: string; block: string | null }
  | { edit: "move"; node: string; after: string | null; block: string | null }
  | { edit: "set"; path: string; value: unknown }
  | { edit: "unset"; path: string };

/** Where the positions of a level stand in the document. */
export function viewPath(block: string | null): string {
  return block === null ? "network.view" : `network.blocks.${block}.view`;
}
