/** How a layer, a block and an input of a block look. */

import { Handle, Position, type NodeProps } from "@xyflow/react";
import { createContext, memo, useContext } from "react";
import { portsOfNode, shareOf, type GivenNode, type LayerNode } from "./flow";
import { familyColor } from "./family";
import { Icon } from "./icons";
import { isWithin, pathOf, useLit } from "./lamp";
import type { Direction } from "./layout";
import type { Problem, SheetNode } from "./sheet";

/** The path of the level on show, and what opens a block on it; a context, so that nodes need not be drawn again for it. */
export const OnLevel = createContext<{ at: string; open: (id: string) => void }>({ at: "", open: () => undefined });

function handleStyle(direction: Direction, index: number, count: number) {
  const share = `${shareOf(index, count) * 100}%`;
  return direction === "down" ? { left: share } : { top: share };
}

interface SideProps {
  type: "source" | "target";
  names: { name: string; isOptional: boolean }[];
  direction: Direction;
}

/** The handles of one side, with names where there are several. */
function Side({ type, names, direction }: SideProps) {
  const isDown = direction === "down";
  const position = type === "target" ? (isDown ? Position.Top : Position.Left) : isDown ? Position.Bottom : Position.Right;
  return names.map(({ name, isOptional }, index) => (
    <Handle
      key={index}
      id={`${type === "target" ? "i" : "o"}${index}`}
      type={type}
      position={position}
      style={handleStyle(direction, index, names.length)}
      className={isOptional ? "is-optional" : ""}
      title={`${type === "target" ? "Input" : "Output"}${name ? ` ${name}` : ""}${isOptional ? ", may stay open" : ""}`}
    >
      {names.length > 1 && name && <span className="port-name">{name}</span>}
    </Handle>
  ));
}

function ProblemMark({ problem }: { problem: Problem }) {
  const text = `${problem.title}. ${problem.because}`;
  return (
    <span className={`mark ${problem.severity}`} title={text}>
      <Icon name={problem.severity} />
      <span className="unseen">{`${problem.severity}: ${text}`}</span>
    </span>
  );
}

/** What a node is called and is, with its marks, and a block's button to open. */
export function CardHead({ node, open }: { node: SheetNode; open: (id: string) => void }) {
  return (
    <div className="card-head">
      <span className="card-title" title={node.title}>{node.title}</span>
      {node.type !== node.title && <span className="card-type" title={node.type}>{node.type}</span>}
      {node.repeat > 1 && <span className="card-repeat" title={`Repeated ${node.repeat} times`}>× {node.repeat}</span>}
      {node.frozen && <span className="mark frozen" title="Frozen: training leaves its weights alone"><Icon name="frozen" /></span>}
      {node.problem && <ProblemMark problem={node.problem} />}
      {node.block && (
        <button type="button" className="card-open nodrag nopan" tabIndex={-1} title="Open the block" aria-label={`Open ${node.title}`} onClick={() => open(node.id)}>
          <Icon name="open" />
        </button>
      )}
    </div>
  );
}

/** The classes of a node's card; it is lit while its row in the table is pointed at. */
export function useCardClasses(at: string, node: SheetNode): string {
  const isLit = useLit("table", (row) => isWithin(row, pathOf(at, node.id)));
  return ["card", node.block && "is-block", node.frozen && "is-frozen", node.problem && `has-${node.problem.severity}`, isLit && "is-lit"].filter(Boolean).join(" ");
}

/** A layer, or a block. */
export const LayerCard = memo(function LayerCard({ data }: NodeProps<LayerNode>) {
  const { node, direction, isOut } = data;
  const { at, open } = useContext(OnLevel);
  const outputs = node.outputs.length > 0 ? node.outputs : [""];
  return (
    <div className={useCardClasses(at, node)} style={{ "--family": familyColor(node.family) }}>
      <Side type="target" names={portsOfNode(node)} direction={direction} />
      <CardHead node={node} open={open} />
      <div className="card-about" title={node.about}>{node.about}</div>
      <div className="card-numbers">
        <span className="card-shape" title={node.shapes.join("\n")}>{node.shapes[0] ?? ""}</span>
        <span>{node.parameters}</span>
      </div>
      {isOut && <span className="card-out" title="Comes out of the network or block">out</span>}
      <Side type="source" names={outputs.map((name) => ({ name, isOptional: false }))} direction={direction} />
    </div>
  );
});

/** An input of the block whose inside is shown. */
export const GivenDot = memo(function GivenDot({ data: { name, direction } }: NodeProps<GivenNode>) {
  return (
    <div className="given" title={`${name}: what the block is given`}>
      <span>{name}</span>
      <Side type="source" names={[{ name, isOptional: false }]} direction={direction} />
    </div>
  );
});
