/** The order of the stack: what a drop means, what a node reads that does not stand in front of it, what a click selects. */

import { portsOfNode } from "./flow";
import { splitReference } from "./graph";
import type { Edit, Level, SheetNode } from "./sheet";

/** The cards whose middles lie above a height: the gap there is behind that many. */
export function gapAt(count: number, middleOf: (index: number) => number, y: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (middleOf(middle) < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The edits that put nodes into a gap, one behind the other; none where they stand there already. */
export function movesTo(order: readonly string[], moved: ReadonlySet<string>, gap: number, block: string | null): Edit[] {
  const together = order.filter((id) => moved.has(id));
  const isStill = (id: string) => !moved.has(id);
  const before = order.slice(0, gap).filter(isStill);
  const after = [...before, ...together, ...order.slice(gap).filter(isStill)];
  if (after.every((id, index) => id === order[index])) return [];
  return together.map((node, index) => ({ edit: "move", node, after: together[index - 1] ?? before.at(-1) ?? null, block }));
}

/** The gap to which nodes go by one step; null where they are at the end already. */
export function gapBeside(order: readonly string[], moved: ReadonlySet<string>, step: 1 | -1): number | null {
  const places = order.flatMap((id, index) => (moved.has(id) ? [index] : []));
  const gap = step === 1 ? (places.at(-1) ?? order.length) + 2 : (places[0] ?? 0) - 1;
  return gap < 0 || gap > order.length ? null : gap;
}

/** What a node reads, in words; null where that is what stands in front of it, or where it reads nothing at all. */
export function readsOf({ nodes, given }: Pick<Level, "nodes" | "given">, index: number): string | null {
  const node = nodes[index]!;
  const sources = portsOfNode(node)
    .filter(({ index: port, isOptional }) => node.inputs[port] || !isOptional)
    .map(({ index: port }) => node.inputs[port] ?? null);
  const inFront = index > 0 ? nodes[index - 1]!.id : given[0];
  if (sources.length === 0 || (sources.length === 1 && sources[0] === inFront)) return null;
  const titles = new Map(nodes.map(({ id, title }) => [id, title]));
  const said = (reference: string) => {
    const { id, output } = splitReference(reference);
    return (titles.get(id) ?? id) + (output === null ? "" : `:${output}`);
  };
  return sources.map((reference) => (reference === null ? "nothing" : said(reference))).join(", ");
}

/** The first input that is connected: what comes first in a block is put in front of its first node there. */
export function firstPort(node: Pick<SheetNode, "inputs">): number | null {
  const port = node.inputs.findIndex((source) => source !== null);
  return port < 0 ? null : port;
}

/** What is selected, the node that the keys are at, and where a selection by Shift begins. */
export interface Chosen {
  ids: ReadonlySet<string>;
  active: string | null;
  anchor: string | null;
}

export const NONE_CHOSEN: Chosen = { ids: new Set(), active: null, anchor: null };

export function only(ids: readonly string[]): Chosen {
  return { ids: new Set(ids), active: ids.at(-1) ?? null, anchor: ids[0] ?? null };
}

/** One more selected, or one less. */
export function toggled(chosen: Chosen, id: string): Chosen {
  const ids = new Set(chosen.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, active: id, anchor: id };
}

/** All from where the selection began up to a node. */
export function upTo(order: readonly string[], chosen: Chosen, id: string): Chosen {
  const anchor = chosen.anchor !== null && order.includes(chosen.anchor) ? chosen.anchor : id;
  const [from, to] = [order.indexOf(anchor), order.indexOf(id)].sort((one, other) => one - other) as [number, number];
  return { ids: new Set(order.slice(from, to + 1)), active: id, anchor };
}
