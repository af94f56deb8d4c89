/** Where nodes stand that nobody has put anywhere: ranks along the signal, and a long thin graph folded into columns. */

import { Graph, layout as dagreLayout } from "@dagrejs/dagre";
import type { Place } from "./sheet";

/** Which way the signal runs. */
export type Direction = "down" | "right";

export interface Box {
  id: string;
  width: number;
  height: number;
}

export interface Link {
  source: string;
  target: string;
}

/** Space between neighbours of a rank, between ranks and between columns. */
const BESIDE = 32;
const BETWEEN = { down: 40, right: 84 }; // beside each other there is room for a shape between two nodes
const COLUMN_GAP = 72;

/** A graph no longer than this is shown whole and legible in one column. */
const LONGEST = { down: 1_000, right: 1_500 };
/** Width to height of what is aimed at. */
const ASPECT = 2;
/** How far from its equal share a column may end to cut fewer connections. */
const SLACK = 0.2;

/** A box seen along the flow: `along` from its first to its last pixel, `across` likewise. */
interface Span {
  id: string;
  along: number;
  across: number;
  deep: number;
  broad: number;
}

/** Where boxes stand, and how connections run that pass others. */
export interface Layout {
  /** The top left corner of each box. Boxes never overlap. */
  places: Map<string, Place>;
  /** By `source target`: the points between the ends of a connection that has boxes between them. */
  routes: Map<string, Place[]>;
}

export function layout(boxes: readonly Box[], links: readonly Link[], direction: Direction): Layout {
  const isDown = direction === "down";
  const graph = new Graph();
  graph.setGraph({ rankdir: isDown ? "TB" : "LR", nodesep: BESIDE, ranksep: BETWEEN[direction] });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const { source, target } of links) if (graph.hasNode(source) && graph.hasNode(target)) graph.setEdge(source, target);
  dagreLayout(graph);
  const spans = boxes.map(({ id, width, height }): Span => {
    const { x, y } = graph.node(id) as { x: number; y: number };
    return isDown
      ? { id, along: y - height / 2, across: x - width / 2, deep: height, broad: width }
      : { id, along: x - width / 2, across: y - height / 2, deep: width, broad: height };
  });
  const shifts = new Map<string, Shift>();
  for (const { ids, shift } of fold(spans, links, direction)) for (const id of ids) shifts.set(id, shift);
  const moved = (along: number, across: number, shift: Shift): Place => {
    const [farther, aside] = [along - shift.along, across - shift.across];
    return isDown ? [aside, farther] : [farther, aside];
  };
  const routes = new Map<string, Place[]>();
  for (const { v, w } of graph.edges()) {
    const { points = [] } = graph.edge(v, w) as { points?: { x: number; y: number }[] };
    const shift = shifts.get(v)!;
    if (points.length <= NEIGHBOURS || shift !== shifts.get(w)) continue;
    const between = points.slice(1, -1).map(({ x, y }) => (isDown ? moved(y, x, shift) : moved(x, y, shift)));
    routes.set(`${v} ${w}`, between);
  }
  return { places: new Map(spans.map(({ id, along, across }) => [id, moved(along, across, shifts.get(id)!)])), routes };
}

/** So many points has a connection between boxes of neighbouring ranks: nothing stands in its way. */
const NEIGHBOURS = 3;

/** How far a column is moved. */
interface Shift {
  along: number;
  across: number;
}

/** Cut a long graph into columns (rows, where the signal runs right), each beginning where the first does. */
function fold(spans: Span[], links: readonly Link[], direction: Direction): { ids: string[]; shift: Shift }[] {
  const length = Math.max(0, ...spans.map((span) => span.along + span.deep));
  const breadth = Math.max(0, ...spans.map((span) => span.across + span.broad)) + COLUMN_GAP;
  const ratio = direction === "down" ? ASPECT : 1 / ASPECT;
  const columns = Math.round(Math.sqrt((ratio * length) / breadth));
  if (length <= LONGEST[direction] || columns < 2) return [{ ids: spans.map(({ id }) => id), shift: { along: 0, across: 0 } }];
  let begin = 0;
  return columnsOf(ranksOf(spans), columns, links).map((column) => {
    const across = Math.min(...column.map((span) => span.across));
    const shift = { along: Math.min(...column.map((span) => span.along)), across: across - begin };
    begin += Math.max(...column.map((span) => span.across + span.broad)) - across + COLUMN_GAP;
    return { ids: column.map(({ id }) => id), shift };
  });
}

/** Boxes whose extents along the flow overlap are of one rank: a cut never goes through them. */
function ranksOf(spans: Span[]): Span[][] {
  const ranks: Span[][] = [];
  let end = -Infinity;
  for (const span of [...spans].sort((one, other) => one.along - other.along)) {
    if (span.along >= end) ranks.push([]);
    ranks.at(-1)!.push(span);
    end = Math.max(end, span.along + span.deep);
  }
  return ranks;
}

/** Equal shares of the ranks, each cut moved a little to where the fewest connections cross it. */
function columnsOf(ranks: Span[][], columns: number, links: readonly Link[]): Span[][] {
  const rankOf = new Map(ranks.flatMap((rank, index) => rank.map((span) => [span.id, index] as const)));
  const crossings = new Array<number>(ranks.length + 1).fill(0);
  for (const { source, target } of links) {
    const [from, to] = [rankOf.get(source), rankOf.get(target)].sort((one, other) => (one ?? 0) - (other ?? 0));
    if (from === undefined || to === undefined) continue;
    for (let cut = from + 1; cut <= to; cut += 1) crossings[cut]! += 1;
  }
  const share = ranks.length / columns;
  const cuts = [0];
  for (let column = 1; column < columns; column += 1) {
    const ideal = Math.round(column * share);
    const slack = Math.floor(share * SLACK);
    const choices = Array.from({ length: 2 * slack + 1 }, (_, index) => ideal - slack + index);
    const usable = choices.filter((cut) => cut > cuts.at(-1)! && cut < ranks.length);
    usable.sort((one, other) => crossings[one]! - crossings[other]! || Math.abs(one - ideal) - Math.abs(other - ideal));
    if (usable[0] !== undefined) cuts.push(usable[0]);
  }
  return cuts.map((cut, index) => ranks.slice(cut, cuts[index + 1] ?? ranks.length).flat());
}

/** Lays out again only where the structure has changed: problems and shapes move nothing. */
export class LayoutCache {
  private key = "";
  private last: Layout = { places: new Map(), routes: new Map() };

  /** Where each box stands: where a person has put it, else where the layout does. Connections of what was put run freely. */
  layout(boxes: readonly Box[], links: readonly Link[], direction: Direction, put: ReadonlyMap<string, Place>): Layout {
    const key = JSON.stringify([direction, boxes, links.map(({ source, target }) => [source, target])]);
    if (key !== this.key) {
      this.last = layout(boxes, links, direction);
      this.key = key;
    }
    const { places, routes } = this.last;
    return {
      places: new Map([...places].map(([id, place]) => [id, put.get(id) ?? place])),
      routes: put.size === 0 ? routes : new Map([...routes].filter(([ends]) => !ends.split(" ").some((id) => put.has(id)))),
    };
  }
}
