/** The lines of connections, as paths of an SVG: on the canvas and in pictures of it. */

import { getBezierPath, getSmoothStepPath, Position } from "@xyflow/react";
import { HEIGHT, WIDTH, type FlowNode, type Route, type SignalEdge } from "./flow";
import type { Direction } from "./layout";
import type { Place } from "./sheet";

export interface Ends {
  sourceX: number;
  sourceY: number;
  targetX: number;
  targetY: number;
  sourcePosition: Position;
  targetPosition: Position;
}

/** A path, and where its label stands. */
export type Line = [path: string, labelX: number, labelY: number, ...rest: number[]];

/** Half of the gap between two columns: where a connection to the top of the next column runs. */
const GAP = 36;

/** The line of a connection between these ends. */
export function lineOf(ends: Ends, route: Route | undefined): Line {
  if (!route) return pathOf(ends);
  return "turns" in route ? pathAround(ends, route.turns, route.direction) : pathThrough(ends, route.points, route.direction);
}

/** Where a connection begins and ends: in the middle of its handles. Null where one of them is not drawn. */
export function endsOf(edge: SignalEdge, byId: ReadonlyMap<string, FlowNode>): Ends | null {
  const [source, target] = [byId.get(edge.source), byId.get(edge.target)];
  const [from, to] = [handleOf(source, edge.sourceHandle), handleOf(target, edge.targetHandle)];
  if (!source || !target || !from || !to) return null;
  return {
    sourceX: from.x, sourceY: from.y, sourcePosition: source.sourcePosition ?? Position.Bottom,
    targetX: to.x, targetY: to.y, targetPosition: target.targetPosition ?? Position.Top,
  };
}

function handleOf(node: FlowNode | undefined, id: string | null | undefined): { x: number; y: number } | null {
  const handle = node?.handles?.find((one) => one.id === id);
  if (!node || !handle) return null;
  return { x: node.position.x + handle.x + (handle.width ?? 0) / 2, y: node.position.y + handle.y + (handle.height ?? 0) / 2 };
}

/** A smooth line, or one that runs back to the start of the next column or row. */
function pathOf(ends: Ends): Line {
  const isDown = ends.sourcePosition === Position.Bottom;
  const isBack = isDown ? ends.targetY < ends.sourceY : ends.targetX < ends.sourceX;
  if (!isBack) return getBezierPath(ends);
  const center = isDown ? { centerX: ends.targetX - WIDTH / 2 - GAP } : { centerY: ends.targetY - HEIGHT / 2 - GAP };
  return getSmoothStepPath({ ...ends, ...center, borderRadius: 14, offset: 18 });
}

/** A smooth line through points, upright (or level) at each of them. */
function pathThrough(ends: Ends, points: Place[], direction: Direction): Line {
  const all: Place[] = [[ends.sourceX, ends.sourceY], ...points, [ends.targetX, ends.targetY]];
  const path = all.slice(1).map(([x, y], index) => {
    const [fromX, fromY] = all[index]!;
    const [middleX, middleY] = [(fromX + x) / 2, (fromY + y) / 2];
    return direction === "down" ? `C${fromX} ${middleY} ${x} ${middleY} ${x} ${y}` : `C${middleX} ${fromY} ${middleX} ${y} ${x} ${y}`;
  });
  const [labelX, labelY] = all[Math.floor(all.length / 2)]!;
  return [`M${ends.sourceX} ${ends.sourceY}${path.join("")}`, labelX, labelY];
}

/** Of a corner, in pixels. */
const RADIUS = 12;

/** The corners of a connection that turns. */
export function cornersOf(ends: Ends, turns: readonly number[], direction: Direction): Place[] {
  const isDown = direction === "down";
  let [along, across] = isDown ? [ends.sourceY, ends.sourceX] : [ends.sourceX, ends.sourceY];
  const corners: Place[] = [];
  const turn = () => corners.push(isDown ? [across, along] : [along, across]);
  turns.forEach((to, index) => {
    if (index % 2 === 0) along = to;
    else across = to;
    turn();
  });
  across = isDown ? ends.targetX : ends.targetY;
  turn();
  return corners;
}

/** A line of straight pieces with round corners. */
function pathAround(ends: Ends, turns: readonly number[], direction: Direction): Line {
  const corners = cornersOf(ends, turns, direction);
  const all: Place[] = [[ends.sourceX, ends.sourceY], ...corners, [ends.targetX, ends.targetY]];
  const path = corners.map((corner, index) => {
    const [before, after] = [all[index]!, all[index + 2]!];
    const radius = Math.min(RADIUS, distance(before, corner) / 2, distance(corner, after) / 2);
    const [fromX, fromY] = towards(corner, before, radius);
    const [toX, toY] = towards(corner, after, radius);
    return `L${fromX} ${fromY}Q${corner[0]} ${corner[1]} ${toX} ${toY}`;
  });
  const [[x, y], [nextX, nextY]] = [corners[1]!, corners[2]!]; // in the gutter
  return [`M${ends.sourceX} ${ends.sourceY}${path.join("")}L${ends.targetX} ${ends.targetY}`, (x + nextX) / 2, (y + nextY) / 2];
}

function distance([x, y]: Place, [otherX, otherY]: Place): number {
  return Math.abs(x - otherX) + Math.abs(y - otherY); // along one axis
}

/** The point so far from one on the straight way to another. */
function towards([x, y]: Place, [otherX, otherY]: Place, by: number): Place {
  return [x + Math.sign(otherX - x) * by, y + Math.sign(otherY - y) * by];
}
