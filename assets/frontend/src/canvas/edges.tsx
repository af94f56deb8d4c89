/** How a connection looks, and one that is being drawn. */

import { BaseEdge, getBezierPath, type ConnectionLineComponentProps, type EdgeProps } from "@xyflow/react";
import { createContext, memo, useContext } from "react";
import type { FlowNode, SignalEdge } from "./flow";
import { lineOf } from "./paths";

export const SignalLine = memo(function SignalLine(edge: EdgeProps<SignalEdge>) {
  const [path, labelX, labelY] = lineOf(edge, edge.data?.route);
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
