/** A level as React Flow draws it. What has not changed stays the same object, so that only the rest is drawn again. */

import { Position, type Edge, type Node, type NodeHandle } from "@xyflow/react";
import { portsOf, splitReference, wiresOf, type Port, type Wire } from "./graph";
import { BESIDE, BETWEEN, LayoutCache, type Box, type Course, type Direction, type Room } from "./layout";
import type { Level, Place, SheetNode } from "./sheet";

export const WIDTH = 176;
export const HEIGHT = 56;
/** Of the round node that stands for an input of a block. */
export const GIVEN = 44;
const HANDLE = 10;

export type LayerNode = Node<{ node: SheetNode; direction: Direction; isOut: boolean }, "layer">;
export type GivenNode = Node<{ name: string; direction: Direction }, "given">;
export type FlowNode = LayerNode | GivenNode;
export type SignalEdge = Edge<{ shape: string; showsShape: boolean; isTarget: boolean; route: Route | undefined }, "signal">;

/** How a connection runs that does not lead to the next rank, and which way the signal runs there. */
export type Route = Course & { direction: Direction };

/** What a step along the flow and one across it, drawn downwards, is where the signal runs right: nodes are broad, not high. */
const STRETCH = { along: (WIDTH + BETWEEN.right) / (HEIGHT + BETWEEN.down), across: (HEIGHT + BESIDE) / (WIDTH + BESIDE) };

/** Where a node is drawn whose place was kept: as of a graph that is drawn downwards. */
export function drawnAt([x, y]: Place, direction: Direction): Place {
  return direction === "down" ? [x, y] : [y * STRETCH.along, x * STRETCH.across];
}

/** The place to keep of a node that is drawn there. */
export function keptOf([x, y]: Place, direction: Direction): Place {
  return direction === "down" ? [Math.round(x), Math.round(y)] : [Math.round(y / STRETCH.across), Math.round(x / STRETCH.along)];
}

/** Where a handle stands along its side, from 0 to 1. */
export function shareOf(index: number, count: number): number {
  return (index + 1) / (count + 1);
}

/** A screen reader's words for a node. */
export function labelOf(node: SheetNode): string {
  const { title, type, shapes, parameters, repeat, frozen, problem } = node;
  const counted = parameters && !/[a-z]{3}/i.test(parameters) ? `${parameters} parameters` : parameters;
  const facts = [
    title, type === title ? "" : type, repeat > 1 ? `repeated ${repeat} times` : "", shapes.join(" and "), counted, frozen ? "frozen" : "",
    problem ? `${problem.severity}: ${problem.title}` : "",
  ];
  return facts.filter(Boolean).join(", ");
}

function handlesOf(ports: number, outputs: number, width: number, height: number, direction: Direction): NodeHandle[] {
  const isDown = direction === "down";
  const at = (share: number, isEnd: boolean) => ({
    x: (isDown ? width * share : isEnd ? width : 0) - HANDLE / 2,
    y: (isDown ? (isEnd ? height : 0) : height * share) - HANDLE / 2,
    width: HANDLE,
    height: HANDLE,
  });
  const targets = Array.from({ length: ports }, (_, index): NodeHandle => ({
    id: `i${index}`, type: "target", position: isDown ? Position.Top : Position.Left, ...at(shareOf(index, ports), false),
  }));
  const sources = Array.from({ length: outputs }, (_, index): NodeHandle => ({
    id: `o${index}`, type: "source", position: isDown ? Position.Bottom : Position.Right, ...at(shareOf(index, outputs), true),
  }));
  return [...targets, ...sources];
}

const portsKnown = new WeakMap<SheetNode, Port[]>();

/** The ports of a node, made once for each object. */
export function portsOfNode(node: SheetNode): Port[] {
  const known = portsKnown.get(node) ?? portsOf(node);
  portsKnown.set(node, known);
  return known;
}

/** How a level is to be drawn. */
export interface Drawing {
  level: Level;
  direction: Direction;
  /** What can be seen at once: long graphs are folded to fit. */
  room: Room;
  gone: ReadonlySet<string>;
  moved: ReadonlyMap<string, Place>;
}

/** How connections are to be drawn. */
export interface EdgeDrawing extends Omit<Drawing, "moved" | "room"> {
  showsShape: boolean;
  /** The connection that something would be put onto. */
  target: string | null;
}

const GIVEN_PREFIX = "given:";

/** The id on the canvas of what a reference names: an input of the block has one of its own. */
export function flowId(level: Level, id: string): string {
  return level.given.includes(id) && !level.nodes.some((node) => node.id === id) ? GIVEN_PREFIX + id : id;
}

export function referenceId(id: string): string {
  return id.startsWith(GIVEN_PREFIX) ? id.slice(GIVEN_PREFIX.length) : id;
}

/** Turns levels into nodes for React Flow, with a memory of the last layout. */
export class Flow {
  private readonly cache = new LayoutCache();
  private routes: ReadonlyMap<string, Course> = new Map();

  /** The nodes, in document order; those that are as in `before` are the same objects. */
  nodes(before: readonly FlowNode[], { level, direction, room, gone, moved }: Drawing): FlowNode[] {
    const isShown = new Set(level.nodes.map((node) => node.id));
    const boxes: Box[] = [
      ...level.given.filter((name) => !isShown.has(name)).map((name) => ({ id: GIVEN_PREFIX + name, width: GIVEN, height: GIVEN })),
      ...level.nodes.map(({ id }) => ({ id, width: WIDTH, height: HEIGHT })),
    ];
    const links = wiresOf(level).map(({ source, target }) => ({ source: flowId(level, source), target }));
    const put = new Map(level.nodes.flatMap(({ id, place }) => (place ? [[id, drawnAt(place, direction)] as const] : [])));
    for (const [id, place] of moved) put.set(id, drawnAt(place, direction));
    const { places, routes } = this.cache.layout(boxes, links, direction, room, put);
    this.routes = routes;
    const known = new Map(before.map((node) => [node.id, node]));
    const outs = new Set(level.outputs.map((reference) => splitReference(reference).id));
    const given = level.given.filter((name) => !isShown.has(name)).map((name) => {
      const id = GIVEN_PREFIX + name;
      return givenNode(known.get(id), name, places.get(id)!, direction);
    });
    const layers = level.nodes.filter((node) => !gone.has(node.id)).map((node) => {
      return layerNode(known.get(node.id), node, places.get(node.id)!, direction, outs.has(node.id));
    });
    return [...given, ...layers];
  }

  /** The connections as edges, once the nodes are laid out; those that are as in `before` are the same objects. */
  edges(before: readonly SignalEdge[], { level, direction, gone, showsShape, target }: EdgeDrawing): SignalEdge[] {
    const known = new Map(before.map((edge) => [edge.id, edge]));
    const byId = new Map(level.nodes.map((node) => [node.id, node]));
    const title = (id: string) => byId.get(id)?.title ?? id;
    const isShown = (wire: Wire) => !gone.has(wire.id) && !gone.has(wire.source) && !gone.has(wire.target);
    return wiresOf(level).filter(isShown).map((wire) => {
      const source = flowId(level, wire.source);
      const course = this.routes.get(`${source} ${wire.target}`);
      const data = {
        shape: byId.get(wire.source)?.shapes[wire.output] ?? "", showsShape, isTarget: wire.id === target, route: course && { ...course, direction },
      };
      const edge: SignalEdge = {
        id: wire.id,
        type: "signal",
        source,
        sourceHandle: `o${wire.output}`,
        target: wire.target,
        targetHandle: `i${wire.port}`,
        data,
        ariaLabel: `${title(wire.source)} to ${title(wire.target)}`,
        interactionWidth: 20,
      };
      const old = known.get(wire.id);
      if (!old || old.source !== edge.source || old.sourceHandle !== edge.sourceHandle) return edge;
      return JSON.stringify(old.data) === JSON.stringify(data) && old.ariaLabel === edge.ariaLabel ? old : { ...old, ...edge };
    });
  }
}

function isAt(node: FlowNode, [x, y]: Place): boolean {
  return node.position.x === x && node.position.y === y;
}

function layerNode(before: FlowNode | undefined, node: SheetNode, place: Place, direction: Direction, isOut: boolean): LayerNode {
  const old = before?.type === "layer" ? before : undefined;
  const isSame = old?.data.node === node && old.data.direction === direction && old.data.isOut === isOut;
  if (old && isSame && (old.dragging || isAt(old, place))) return old;
  return {
    ...old,
    id: node.id,
    type: "layer",
    position: old?.dragging ? old.position : { x: place[0], y: place[1] },
    width: WIDTH,
    height: HEIGHT,
    measured: { width: WIDTH, height: HEIGHT }, // known before it is drawn: in a large network what is out of sight is not
    handles: handlesOf(portsOfNode(node).length, Math.max(1, node.outputs.length), WIDTH, HEIGHT, direction),
    data: { node, direction, isOut },
    ariaRole: "group",
    ariaLabel: labelOf(node),
    ...sides(direction),
  };
}

function givenNode(before: FlowNode | undefined, name: string, place: Place, direction: Direction): GivenNode {
  const old = before?.type === "given" ? before : undefined;
  if (old && old.data.direction === direction && isAt(old, place)) return old;
  return {
    ...old,
    id: GIVEN_PREFIX + name,
    type: "given",
    position: { x: place[0], y: place[1] },
    width: GIVEN,
    height: GIVEN,
    measured: { width: GIVEN, height: GIVEN },
    handles: handlesOf(0, 1, GIVEN, GIVEN, direction),
    data: { name, direction },
    draggable: false,
    ariaRole: "group",
    ariaLabel: `${name}, an input of the block`,
    ...sides(direction),
  };
}

function sides(direction: Direction): { sourcePosition: Position; targetPosition: Position } {
  return direction === "down"
    ? { sourcePosition: Position.Bottom, targetPosition: Position.Top }
    : { sourcePosition: Position.Right, targetPosition: Position.Left };
}
