/** How a connection looks, and one that is being drawn. */

import { BaseEdge, getBezierPath, getSmoothStepPath, Position, type ConnectionLineComponentProps, type EdgeProps } from "@xyflow/react";
import { createContext, memo, useContext } from "react";
import { HEIGHT, WIDTH, type FlowNode, type Route, type SignalEdge } from "./flow";
import type { Place } from "./sheet";

type Ends = Pick<EdgeProps, "sourceX" | "sourceY" | "targetX" | "targetY" | "sourcePosition" | "targetPosition">;

/** Half of the gap between two columns: where a connection to the top of the next column runs. */
const GAP = 36;

/** A smooth line, or one that runs back to the start of the next column or row. */
function pathOf(ends: Ends) {
  const isDown = ends.sourcePosition === Position.Bottom;
  const isBack = isDown ? ends.targetY < ends.sourceY : ends.targetX < ends.sourceX;
  if (!isBack) return getBezierPath(ends);
  const center = isDown ? { centerX: ends.targetX - WIDTH / 2 - GAP } : { centerY: ends.targetY - HEIGHT / 2 - GAP };
  return getSmoothStepPath({ ...ends, ...center, borderRadius: 14, offset: 18 });
}

/** A smooth line through points, upright (or level) at each of them. */
function pathThrough(ends: Ends, { points, direction }: Route): [string, number, number] {
  const all: Place[] = [[ends.sourceX, ends.sourceY], ...points, [ends.targetX, ends.targetY]];
  const path = all.slice(1).map(([x, y], index) => {
    const [fromX, fromY] = all[index]!;
    const [middleX, middleY] = [(fromX + x) / 2, (fromY + y) / 2];
    return direction === "down" ? `C${fromX} ${middleY} ${x} ${middleY} ${x} ${y}` : `C${middleX} ${fromY} ${middleX} ${y} ${x} ${y}`;
  });
  const [labelX, labelY] = all[Math.floor(all.length / 2)]!;
  return [`M${ends.sourceX} ${ends.sourceY}${path.join("")}`, labelX, labelY];
}

export const SignalLine = memo(function SignalLine(edge: EdgeProps<SignalEdge>) {
  const [path, labelX, labelY] = edge.data?.route ? pathThrough(edge, edge.data.route) : pathOf(edge);
  const shape = edge.data?.showsShape ? edge.data.shape : "";
  return (
    <BaseEdge
      path={path}
      className={edge.data?.isTarget ? "is-target" : ""}
      interactionWidth={edge.interactionWidth ?? 20}
      {...(shape ? { label: shape, labelX, labelY, labelShowBg: true, labelBgPadding: [4, 1] as [number, number], labelBgBorderRadius: 3 } : {})}
    />
  );
});

/** Why a connection between two handles cannot be; null where it can. */
export type Verdict = (from: Handled, to: Handled) => string | null;

interface Handled {
  nodeId: string;
  id?: string | null;
  type: "source" | "target";
}

export const Verdicts = createContext<Verdict>(() => null);

/** The connection under the pointer, and why it cannot end where it is. */
export function WantedLine(line: ConnectionLineComponentProps<FlowNode>) {
  const verdict = useContext(Verdicts);
  const [path] = getBezierPath({
    sourceX: line.fromX, sourceY: line.fromY, sourcePosition: line.fromPosition, targetX: line.toX, targetY: line.toY, targetPosition: line.toPosition,
  });
  const reason = line.toHandle ? verdict(line.fromHandle, line.toHandle) : null;
  const width = (reason?.length ?? 0) * 6.6 + 16;
  return (
    <g className={reason ? "wanted is-refused" : "wanted"}>
      <path d={path} fill="none" className="wanted-path" />
      {reason && (
        <g transform={`translate(${line.toX + 14} ${line.toY - 30})`} role="status">
          <rect width={width} height={22} rx={4} />
          <text x={8} y={15}>{reason}</text>
        </g>
      )}
    </g>
  );
}
