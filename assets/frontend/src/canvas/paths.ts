/** The lines of connections, as paths of an SVG: on the canvas and in pictures of it. */

import { getBezierPath, getSmoothStepPath, Position } from "@xyflow/react";
import { HEIGHT, WIDTH, type FlowNode, type Route, type SignalEdge } from "./flow";
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
  return route ? pathThrough(ends, route) : pathOf(ends);
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
function pathThrough(ends: Ends, { points, direction }: Route): Line {
  const all: Place[] = [[ends.sourceX, ends.sourceY], ...points, [ends.targetX, ends.targetY]];
  const path = all.slice(1).map(([x, y], index) => {
    const [fromX, fromY] = all[index]!;
    const [middleX, middleY] = [(fromX + x) / 2, (fromY + y) / 2];
    return direction === "down" ? `C${fromX} ${middleY} ${x} ${middleY} ${x} ${y}` : `C${middleX} ${fromY} ${middleX} ${y} ${x} ${y}`;
  });
  const [labelX, labelY] = all[Math.floor(all.length / 2)]!;
  return [`M${ends.sourceX} ${ends.sourceY}${path.join("")}`, labelX, labelY];
}
