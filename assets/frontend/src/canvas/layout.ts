/** Where nodes stand that nobody has put anywhere: ranks along the signal, and a long thin graph folded into columns that fit the room. */

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
export const BESIDE = 32;
export const BETWEEN = { down: 40, right: 84 }; // beside each other there is room for a shape between two nodes
const COLUMN_GAP = 72;

/** Width and height of what can be seen at once, in pixels. */
export interface Room {
  width: number;
  height: number;
}

/** Shown as large as this, a node is read without effort: a graph is not folded for more. */
const LEGIBLE = 0.9;
/** What a fold costs beside what it gains, and each connection more than one that it cuts. */
const COST = 0.08;
/** How far from its equal share a column may end to cut fewer connections. */
const SLACK = 0.2;
const MOST_COLUMNS = 24;
/** How far in front of a node and behind it a connection between columns turns, and between two that run side by side. */
const TURN = 18;
const LANE = 10;

/** A box seen along the flow: `along` from its first to its last pixel, `across` likewise. */
interface Span {
  id: string;
  along: number;
  across: number;
  deep: number;
  broad: number;
}

/**
 * How a connection runs that passes others: through `points`, upright (or level) at each of them; or, between columns,
 * by `turns`: along the flow up to the first, across it up to the second, and so on.
 */
export type Course = { points: Place[] } | { turns: number[] };

/** Where boxes stand, and how connections run that do not lead to the next rank. */
export interface Layout {
  /** The top left corner of each box. Boxes never overlap. */
  places: Map<string, Place>;
  /** By `source target`. */
  routes: Map<string, Course>;
}

export function layout(boxes: readonly Box[], links: readonly Link[], direction: Direction, room: Room): Layout {
  const whole = ranked(boxes, links, direction);
  const columns = folded(whole.spans, links, direction, room).map((ids) => {
    const isHere = new Set(ids);
    const within = links.filter(({ source, target }) => isHere.has(source) && isHere.has(target));
    return ids.length === boxes.length ? whole : ranked(boxes.filter(({ id }) => isHere.has(id)), within, direction);
  });
  const isDown = direction === "down";
  const placed = (along: number, across: number): Place => (isDown ? [across, along] : [along, across]);
  const spans = new Map<string, Span & { column: number }>();
  const gutters: number[] = [];
  const routes = new Map<string, Course>();
  let begin = 0;
  columns.forEach((column, index) => {
    const bends = column.bends.flatMap(([, points]) => points.map(({ across }) => across)); // they need room as boxes do
    const first = Math.min(...bends, ...column.spans.map(({ across }) => across));
    const shift = begin - first;
    for (const span of column.spans) spans.set(span.id, { ...span, across: span.across + shift, column: index });
    for (const [ends, points] of column.bends) {
      routes.set(ends, { points: points.map(({ along, across }) => placed(along, across + shift)) });
    }
    begin += Math.max(...bends, ...column.spans.map(({ across, broad }) => across + broad)) - first;
    gutters.push(begin);
    begin += COLUMN_GAP;
  });
  for (const [ends, turns] of between(spans, links, gutters)) routes.set(ends, { turns });
  return { places: new Map(boxes.map(({ id }) => [id, placed(spans.get(id)!.along, spans.get(id)!.across)])), routes };
}

interface Ranked {
  spans: Span[];
  /** By `source target`: the points between the ends of a connection that has boxes between them. */
  bends: [string, { along: number; across: number }[]][];
}

/** Ranks along the signal, by dagre. */
function ranked(boxes: readonly Box[], links: readonly Link[], direction: Direction): Ranked {
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
  const bends = graph.edges().flatMap(({ v, w }): Ranked["bends"] => {
    const { points = [] } = graph.edge(v, w) as { points?: { x: number; y: number }[] };
    if (points.length <= NEIGHBOURS) return [];
    return [[`${v} ${w}`, points.slice(1, -1).map(({ x, y }) => (isDown ? { along: y, across: x } : { along: x, across: y }))]];
  });
  return { spans, bends };
}

/** So many points has a connection between boxes of neighbouring ranks: nothing stands in its way. */
const NEIGHBOURS = 3;

/** The ids of each column (row, where the signal runs right): as many columns as make the graph the most legible. */
function folded(spans: Span[], links: readonly Link[], direction: Direction, room: Room): string[][] {
  const ranks = ranksOf(spans);
  const crossings = crossingsOf(ranks, links);
  const [long, broad] = direction === "down" ? [room.height, room.width] : [room.width, room.height];
  let best: { worth: number; cuts: number[] } = { worth: -Infinity, cuts: [0] };
  for (let count = 1; count <= Math.min(MOST_COLUMNS, ranks.length); count += 1) {
    const cuts = cutsOf(crossings, ranks.length, count);
    const columns = sliced(ranks, cuts);
    const length = Math.max(...columns.map((column) => extent(column, (span) => [span.along, span.deep])));
    const breadth = columns.reduce((sum, column) => sum + extent(column, (span) => [span.across, span.broad]), (columns.length - 1) * COLUMN_GAP);
    const legible = Math.min(long / length, broad / breadth, LEGIBLE);
    const cut = cuts.slice(1).reduce((sum, at) => sum + Math.max(1, crossings[at]!), 0);
    const worth = legible / (1 + COST * cut);
    if (worth > best.worth) best = { worth, cuts };
  }
  return sliced(ranks, best.cuts).map((column) => column.map(({ id }) => id)).filter((column) => column.length > 0);
}

function sliced(ranks: Span[][], cuts: number[]): Span[][] {
  return cuts.map((cut, index) => ranks.slice(cut, cuts[index + 1] ?? ranks.length).flat());
}

function extent(spans: Span[], of: (span: Span) => [begin: number, size: number]): number {
  const ends = spans.map(of);
  return Math.max(...ends.map(([begin, size]) => begin + size)) - Math.min(...ends.map(([begin]) => begin));
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

/** How many connections a cut in front of each rank goes through. */
function crossingsOf(ranks: Span[][], links: readonly Link[]): number[] {
  const rankOf = new Map(ranks.flatMap((rank, index) => rank.map((span) => [span.id, index] as const)));
  const crossings = new Array<number>(ranks.length + 1).fill(0);
  for (const { source, target } of links) {
    const [from, to] = [rankOf.get(source), rankOf.get(target)].sort((one, other) => (one ?? 0) - (other ?? 0));
    if (from === undefined || to === undefined) continue;
    for (let cut = from + 1; cut <= to; cut += 1) crossings[cut]! += 1;
  }
  return crossings;
}

/** Where columns begin: equal shares of the ranks, each cut moved a little to where the fewest connections cross it. */
function cutsOf(crossings: number[], ranks: number, columns: number): number[] {
  const share = ranks / columns;
  const cuts = [0];
  for (let column = 1; column < columns; column += 1) {
    const ideal = Math.round(column * share);
    const slack = Math.floor(share * SLACK);
    const choices = Array.from({ length: 2 * slack + 1 }, (_, index) => ideal - slack + index);
    const usable = choices.filter((cut) => cut > cuts.at(-1)! && cut < ranks);
    usable.sort((one, other) => crossings[one]! - crossings[other]! || Math.abs(one - ideal) - Math.abs(other - ideal));
    if (usable[0] !== undefined) cuts.push(usable[0]);
  }
  return cuts;
}

/**
 * The turns of connections between columns, by `source target`: through the gap behind the source into the gutter
 * beside its column, and from there, past columns between them in front of all nodes, to the gap in front of the target.
 */
function between(spans: ReadonlyMap<string, Span & { column: number }>, links: readonly Link[], gutters: readonly number[]): [string, number[]][] {
  const crossing = links.flatMap(({ source, target }) => {
    const [from, to] = [spans.get(source), spans.get(target)];
    if (!from || !to || from.column >= to.column) return [];
    return [{ from, to, isNext: to.column === from.column + 1 }];
  });
  crossing.sort((one, other) => one.from.along - other.from.along);
  const users = new Map<number, number>();
  for (const { from, to, isNext } of crossing) {
    for (const gutter of isNext ? [from.column] : [from.column, to.column - 1]) users.set(gutter, (users.get(gutter) ?? 0) + 1);
  }
  const used = new Map<number, number>();
  /** Side by side in the middle of the gutter. */
  const inGutter = (column: number) => {
    const [lane, count] = [used.get(column) ?? 0, users.get(column)!];
    used.set(column, lane + 1);
    return gutters[column]! + COLUMN_GAP / 2 + (lane - (count - 1) / 2) * Math.min(LANE, COLUMN_GAP / (count + 1));
  };
  let front = Math.min(...[...spans.values()].map(({ along }) => along)) - TURN;
  return crossing.map(({ from, to, isNext }) => {
    const turns = [from.along + from.deep + TURN, inGutter(from.column)];
    if (!isNext) turns.push((front -= LANE), inGutter(to.column - 1));
    return [`${from.id} ${to.id}`, [...turns, to.along - TURN]];
  });
}

/** Lays out again only where the structure has changed: problems and shapes move nothing. */
export class LayoutCache {
  private key = "";
  private last: Layout = { places: new Map(), routes: new Map() };

  /** Where each box stands: where a person has put it, else where the layout does. Connections of what was put run freely. */
  layout(boxes: readonly Box[], links: readonly Link[], direction: Direction, room: Room, put: ReadonlyMap<string, Place>): Layout {
    const key = JSON.stringify([direction, room, boxes, links.map(({ source, target }) => [source, target])]);
    if (key !== this.key) {
      this.last = layout(boxes, links, direction, room);
      this.key = key;
    }
    const { places, routes } = this.last;
    return {
      places: new Map([...places].map(([id, place]) => [id, put.get(id) ?? place])),
      routes: put.size === 0 ? routes : new Map([...routes].filter(([ends]) => !ends.split(" ").some((id) => put.has(id)))),
    };
  }
}
