/** The canvas: the graph with its tools, and what keys and pointer do on it. */

import {
  applyEdgeChanges, applyNodeChanges, Background, MiniMap, Panel, ReactFlow, SelectionMode, useReactFlow, useStore,
  type Connection, type EdgeChange, type IsValidConnection, type NodeChange,
} from "@xyflow/react";
import { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type DragEvent, type KeyboardEvent, type MouseEvent } from "react";
import type { Spot } from "./actions";
import { DRAGGED } from "./add";
import { Breadcrumb, PictureChoice, Toolbar, type Tool } from "./chrome";
import { SignalLine, Verdicts, WantedLine, type Verdict } from "./edges";
import { useEditor, type ViewProps } from "./editor";
import { familyColor } from "./family";
import { Flow, HEIGHT, keptOf, labelOf, referenceId, WIDTH, type FlowNode, type SignalEdge } from "./flow";
import { neighbour, refusal, wiresOf } from "./graph";
import { motion, useFullscreen, useIsSized, useRemembered, useStable } from "./hooks";
import { CANVAS_SHORTCUTS, stepOf, type Command } from "./keys";
import type { Direction, Room } from "./layout";
import { GivenDot, LayerCard, OnLevel } from "./nodes";
import { Overlays } from "./overlays";
import { pictureOf, pngOf, save } from "./picture";
import type { Place } from "./sheet";

const NODE_TYPES = { layer: LayerCard, given: GivenDot };
const EDGE_TYPES = { signal: SignalLine };
const CONTROL_KEYS = ["Control", "Meta"];
const PADDING = { top: 72, right: 24, bottom: 32, left: 24 };
const FIT = {
  padding: { top: `${PADDING.top}px`, right: `${PADDING.right}px`, bottom: `${PADDING.bottom}px`, left: `${PADDING.left}px` },
  maxZoom: 1,
} as const;
/** Until the canvas is measured. */
const ROOM: Room = { width: 800, height: 600 };
/** Until then a letter behind F belongs to a word: the search for Flatten begins with F. */
const WORD = 700;
/** In milliseconds: a drag that is not heard of for so long has left the canvas. */
const LEFT = 600;
/** A map of a few nodes helps nobody. */
const MAPPED = 10;
const MAP_SIZE = { width: 150, height: 104 };
/** How far one press of a key moves a node. */
const NUDGES: Record<string, Place> = { ArrowUp: [0, -20], ArrowDown: [0, 20], ArrowLeft: [-20, 0], ArrowRight: [20, 0] };
/** Beyond it only what can be seen is drawn. */
const MANY = 150;

/** The nodes with just these selected. */
function withSelection<Item extends { id: string; selected?: boolean }>(items: Item[], ids: readonly string[]): Item[] {
  const chosen = new Set(ids);
  return items.map((item) => ((item.selected ?? false) === chosen.has(item.id) ? item : { ...item, selected: chosen.has(item.id) }));
}

export function Board(props: ViewProps) {
  const { session } = props;
  const { at, level, isBusy, gone, moved } = useSyncExternalStore(session.subscribe, session.current);
  const view = useReactFlow<FlowNode, SignalEdge>();
  const [nodes, setNodes] = useState<FlowNode[]>([]);
  const [edges, setEdges] = useState<SignalEdge[]>([]);
  const [direction, setDirection] = useRemembered<Direction>("layerlab.canvas.direction", "down", ["down", "right"]);
  const [showsShapes, setShowsShapes] = useState(false);
  const [target, setTarget] = useState<string | null>(null);
  /** While a box is drawn the selection changes with every frame. */
  const [isBoxing, setBoxing] = useState(false);

  const wrapper = useRef<HTMLDivElement>(null);
  const isSized = useIsSized(wrapper);
  const [isFull, toggleFull] = useFullscreen(wrapper);
  const [room, setRoom] = useState(ROOM);
  const flow = useRef(new Flow());
  const pointer = useRef<{ x: number; y: number } | null>(null);
  const dragged = useRef(new Map<string, string>());
  const leaving = useRef<ReturnType<typeof setTimeout>>(undefined);
  const fitAt = useRef<string | null>(null);
  const lastFit = useRef(0);
  /** Where the arrow keys have come to, among several that are selected. */
  const walked = useRef<string | undefined>(undefined);

  const wires = useMemo(() => (level ? wiresOf(level) : []), [level?.nodes, level?.given]);
  const selectedKey = nodes.filter((node) => node.selected && node.type === "layer").map((node) => node.id).join(" ");
  const selected = useMemo(() => selectedKey.split(" ").filter(Boolean), [selectedKey]);

  const grab = () => wrapper.current?.querySelector<HTMLElement>(".react-flow")?.focus({ preventScroll: true });
  const fit = () => void view.fitView({ ...FIT, duration: motion() });

  /** Move the view where none of these nodes can be seen whole. */
  const reveal = (ids: readonly string[]) => {
    const bounds = view.getNodesBounds([...ids]);
    const box = wrapper.current?.getBoundingClientRect();
    if (!box || bounds.width === 0) return;
    const corner = view.flowToScreenPosition({ x: bounds.x, y: bounds.y });
    const end = view.flowToScreenPosition({ x: bounds.x + bounds.width, y: bounds.y + bounds.height });
    const isSeen = corner.x >= box.left && corner.y >= box.top && end.x <= box.right && end.y <= box.bottom;
    const zoom = Math.max(view.getZoom(), 0.6);
    if (isSeen && view.getZoom() >= 0.3) return;
    void view.setCenter(bounds.x + bounds.width / 2, bounds.y + bounds.height / 2, { zoom, duration: motion() });
  };

  const choose = (ids: readonly string[], shown = ids) => {
    setNodes((before) => withSelection(before, ids));
    setEdges((before) => withSelection(before, []));
    requestAnimationFrame(() => reveal(shown));
  };

  /** Where a node stands whose middle is at a point of the screen. */
  const placeAt = useStable(({ x, y }: { x: number; y: number }): Place => {
    const point = view.screenToFlowPosition({ x, y });
    return keptOf([point.x - WIDTH / 2, point.y - HEIGHT / 2], direction);
  });
  const remove = () => {
    const cut = new Set(edges.filter((edge) => edge.selected).map((edge) => edge.id));
    actions.remove(selected, wires.filter((wire) => cut.has(wire.id)));
    grab();
  };

  const editor = useEditor(props, "canvas", {
    wrapper, selected, choose, isHeld: isBoxing, grab, remove,
    pasteTo: () => ({ place: pointer.current ? placeAt(pointer.current) : null }),
    startOver: () => (fitAt.current = null),
  });
  const { actions, add, awaited, close, go, open, opened, point, setOpened, showAdd } = editor;
  const onLevel = useMemo(() => ({ at, open }), [at]);

  // Measured when everything is laid out and shown: nodes do not leap about while a window is resized.
  const measure = () => {
    const { clientWidth = 0, clientHeight = 0 } = wrapper.current ?? {};
    const [width, height] = [clientWidth - PADDING.left - PADDING.right, clientHeight - PADDING.top - PADDING.bottom];
    if (width > 0 && height > 0) setRoom((before) => (before.width === width && before.height === height ? before : { width, height }));
  };
  useLayoutEffect(measure, [isSized, isFull, level?.at, direction]);

  // What the server says becomes what is drawn.
  useLayoutEffect(() => {
    if (!level) return setNodes([]);
    const wanted = editor.arrived(level);
    setNodes((before) => {
      const now = flow.current.nodes(before, { level, direction, room, gone, moved });
      return wanted ? withSelection(now, wanted) : now;
    });
    if (wanted && fitAt.current?.startsWith(`${level.at} `)) requestAnimationFrame(() => reveal(wanted));
  }, [level, direction, room, gone, moved]);
  useLayoutEffect(() => {
    // The routes are known once the nodes above are laid out, which is before any of this is drawn.
    setEdges((before) => (level ? flow.current.edges(before, { level, direction, gone, showsShape: showsShapes, target }) : []));
  }, [level, direction, room, gone, moved, showsShapes, target]);

  // Everything is shown at first, at another level and another direction; later the view is a person's own.
  useEffect(() => {
    if (!level || !isSized) return;
    const key = `${level.at} ${direction} ${isFull}`;
    if (fitAt.current === key) return;
    const isFirst = fitAt.current === null;
    fitAt.current = key;
    requestAnimationFrame(() => void view.fitView({ ...FIT, duration: isFirst ? 0 : motion() }));
  }, [level, direction, room, isSized, isFull]);

  const tidy = () => {
    fitAt.current = null;
    measure();
    if (!actions.tidy()) fit();
  };
  const walk = (command: Command, isMore: boolean) => {
    const step = stepOf(command, direction)!;
    const from = walked.current && selected.includes(walked.current) ? walked.current : selected.at(-1);
    const places = new Map(nodes.map((node) => [node.id, direction === "down" ? node.position.x : node.position.y]));
    const to = from === undefined ? level?.nodes[0]?.id : neighbour(wires, from, step, (id) => places.get(id) ?? 0);
    const node = level?.nodes.find(({ id }) => id === to);
    if (!node) return;
    walked.current = node.id;
    choose(isMore ? [...selected, node.id] : [node.id], [node.id]);
    editor.setSaid(labelOf(node));
  };
  const nudge = ([x, y]: Place) => {
    const chosen = nodes.filter((node) => node.selected && node.type === "layer");
    const places = chosen.map(({ id, position }): [string, Place] => [id, keptOf([position.x + x, position.y + y], direction)]);
    if (places.length > 0) void session.move(new Map(places));
  };

  const carryOut = (command: Command, { key, shiftKey }: KeyboardEvent) => {
    const isWord = performance.now() - lastFit.current < WORD;
    lastFit.current = 0;
    switch (command) {
      case "add": return showAdd(key === "/" ? "" : isWord ? `f${key}` : key);
      case "back": return edges.some((edge) => edge.selected) ? remove() : editor.carryOut(command);
      case "selectAll": return setNodes((before) => withSelection(before, before.map((node) => node.id)));
      case "fit":
        if (key === "f") lastFit.current = performance.now();
        return fit();
      case "nudge": return nudge(NUDGES[key]!);
      case "forward": case "backward": case "left": case "right": return walk(command, shiftKey);
      default: return editor.carryOut(command);
    }
  };

  const verdict = useStable<Parameters<Verdict>, string | null>((from, to) => {
    const [source, end] = from.type === "source" ? [from, to] : [to, from];
    if (source.type === end.type) return source.type === "source" ? "an output cannot read" : "an input gives nothing";
    return refusal(wires, { source: referenceId(source.nodeId), output: indexOf(source.id), target: end.nodeId, port: indexOf(end.id) });
  });
  const isValidConnection = useStable<Parameters<IsValidConnection<SignalEdge>>, boolean>(({ source, sourceHandle, target: end, targetHandle }) => {
    return refusal(wires, { source: referenceId(source), output: indexOf(sourceHandle), target: end, port: indexOf(targetHandle) }) === null;
  });
  const connect = useStable(({ source, sourceHandle, target: end, targetHandle }: Connection) => {
    actions.connect(referenceId(source), indexOf(sourceHandle), end, indexOf(targetHandle));
  });

  const changeNodes = useStable((changes: NodeChange<FlowNode>[]) => {
    if (changes.some((change) => change.type === "select")) awaited.current = null; // a person has chosen otherwise
    setNodes((before) => applyNodeChanges(changes, before));
  });
  const changeEdges = useStable((changes: EdgeChange<SignalEdge>[]) => setEdges((before) => applyEdgeChanges(changes, before)));

  const startDrag = useStable((_: unknown, __: unknown, all: FlowNode[]) => {
    dragged.current = new Map(all.map(({ id, position }) => [id, `${position.x} ${position.y}`]));
  });
  const stopDrag = useStable((all: FlowNode[]) => {
    const before = dragged.current;
    dragged.current = new Map(); // the end of a drag of several is told twice: of a node, and of what is selected
    const places = all
      .filter(({ id, type, position }) => type === "layer" && before.has(id) && before.get(id) !== `${position.x} ${position.y}`)
      .map(({ id, position }) => [id, keptOf([position.x, position.y], direction)] as [string, Place]);
    if (places.length > 0) void session.move(new Map(places));
  });

  const wireUnder = (event: DragEvent) => {
    const root = wrapper.current!.getRootNode() as ShadowRoot;
    const [top] = root.elementsFromPoint(event.clientX, event.clientY);
    const id = top?.closest(".react-flow__edge")?.getAttribute("data-id");
    return wires.find((wire) => wire.id === id);
  };
  const dragOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    setTarget(wireUnder(event)?.id ?? null);
    // Browsers tell of a drag several times a second while it is here; where it is when it leaves they tell badly.
    clearTimeout(leaving.current);
    leaving.current = setTimeout(() => setTarget(null), LEFT);
  };
  const drop = (event: DragEvent) => {
    const name = event.dataTransfer.getData(DRAGGED);
    if (!name) return;
    event.preventDefault();
    setTarget(null);
    const wire = wireUnder(event);
    add(name, wire ? { edge: { node: wire.target, port: wire.port } } : { place: placeAt({ x: event.clientX, y: event.clientY }) });
  };
  const doubleClick = (event: MouseEvent) => {
    if ((event.target as Element).classList.contains("react-flow__pane")) showAdd("", { place: placeAt({ x: event.clientX, y: event.clientY }) });
  };

  const savePicture = async (format: "svg" | "png") => {
    close();
    const colors = getComputedStyle(wrapper.current!);
    const ofFamily = (family: string) => colors.getPropertyValue(`--family-${family}`).trim() || "#888888";
    const svg = pictureOf(level?.name ?? "", nodes, edges, ofFamily);
    try {
      const content = format === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await pngOf(svg);
      save(content, `${level?.name || "network"}.${format}`);
    } catch {
      session.tell("The picture could not be made.", "It may be too large for this browser; an SVG has no such limit.");
    }
  };

  const titleOf = (id: string | null) => level?.nodes.find((node) => node.id === id)?.title ?? id;
  const whereOf = ({ place }: Spot): string => {
    const before = actions.before(selected);
    return place ? "where you clicked" : before === null ? "the first node" : `behind ${titleOf(before)}`;
  };

  const groups: Tool[][] = [
    [editor.tools.add],
    [editor.tools.undo, editor.tools.redo],
    [
      { icon: "tidy", label: "Tidy up", isOff: !level, run: tidy },
      direction === "down"
        ? { icon: "right", label: "Draw from left to right", run: () => setDirection("right") }
        : { icon: "down", label: "Draw from top to bottom", run: () => setDirection("down") },
      { icon: "shapes", label: "Shapes on connections", isOn: showsShapes, run: () => setShowsShapes(!showsShapes) },
    ],
    [
      editor.tools.find,
      { icon: "zoomOut", label: "Zoom out", run: () => void view.zoomOut({ duration: motion() }) },
      { icon: "zoomIn", label: "Zoom in", run: () => void view.zoomIn({ duration: motion() }) },
      { icon: "fit", label: "Show everything", keys: "F", run: fit },
      { icon: "picture", label: "Save as a picture", isOff: nodes.length === 0, run: () => setOpened({ kind: "picture" }) },
      { icon: "full", label: isFull ? "Leave full size" : "Full size", isOn: isFull, run: toggleFull },
    ],
    [editor.tools.help],
  ];

  return (
    <div
      ref={wrapper}
      className="canvas"
      aria-busy={isBusy}
      onKeyDown={editor.keys(carryOut)}
      onPointerDown={(event) => !(event.target as Element).closest("input, button, .chooser, .help-cover") && grab()}
      onPointerMove={(event) => (pointer.current = { x: event.clientX, y: event.clientY })}
      onPointerLeave={() => (pointer.current = null)}
      onDoubleClick={doubleClick}
      onDragOver={dragOver}
      onDrop={drop}
    >
      {isBusy && <div className="busy" role="progressbar" aria-label="Waiting for the server" />}
      <OnLevel value={onLevel}>
        <Verdicts value={verdict}>
          <ReactFlow<FlowNode, SignalEdge>
            tabIndex={0}
            aria-label={`Network${level?.name ? ` ${level.name}` : ""}. Press ? for the keys.`}
            nodes={nodes}
            edges={edges}
            nodeTypes={NODE_TYPES}
            edgeTypes={EDGE_TYPES}
            onNodesChange={changeNodes}
            onEdgesChange={changeEdges}
            onConnect={connect}
            isValidConnection={isValidConnection}
            connectionLineComponent={WantedLine}
            connectionRadius={28}
            onNodeDragStart={startDrag}
            onNodeDragStop={(_, __, all) => stopDrag(all)}
            onSelectionDragStart={(event, all) => startDrag(event, all, all)}
            onSelectionDragStop={(_, all) => stopDrag(all)}
            onSelectionStart={() => setBoxing(true)}
            onSelectionEnd={() => setBoxing(false)}
            onNodeDoubleClick={(_, node) => open(node.id)}
            onNodeMouseEnter={(_, node) => point(node.id)}
            onNodeMouseLeave={() => point(null)}
            deleteKeyCode={null}
            multiSelectionKeyCode={CONTROL_KEYS}
            selectionKeyCode="Shift"
            selectionMode={SelectionMode.Partial}
            disableKeyboardA11y
            nodesFocusable={false}
            edgesFocusable={false}
            zoomOnDoubleClick={false}
            nodeDragThreshold={2}
            minZoom={0.05}
            maxZoom={2.5}
            onlyRenderVisibleElements={nodes.length > MANY}
          >
            <Background gap={20} size={1.2} />
            {nodes.length >= MAPPED && <Overview />}
            <Panel position="top-left">
              <Toolbar label="Canvas" groups={groups} />
              {level && <Breadcrumb name={level.name} path={level.path} onGo={go} />}
            </Panel>
            <Zoom />
          </ReactFlow>
        </Verdicts>
      </OnLevel>
      {opened?.kind === "picture" && <PictureChoice onChoose={(format) => void savePicture(format)} onClose={close} />}
      <Overlays editor={editor} whereOf={whereOf} dragTo="onto the canvas or a connection" shortcuts={CANVAS_SHORTCUTS} />
    </div>
  );
}

/** The whole network small, as long as a part of it is out of sight: else it would only cover nodes. */
function Overview() {
  const isPartOutOfSight = useStore(({ nodeLookup, transform: [x, y, zoom], width, height }) =>
    [...nodeLookup.values()].some(({ internals: { positionAbsolute: at }, measured }) => {
      const [left, top] = [at.x * zoom + x, at.y * zoom + y];
      return left < 0 || top < 0 || left + (measured.width ?? 0) * zoom > width || top + (measured.height ?? 0) * zoom > height;
    }),
  );
  if (!isPartOutOfSight) return null;
  return <MiniMap<FlowNode> pannable zoomable ariaLabel="Map of the network" style={MAP_SIZE} nodeColor={colorOf} nodeStrokeWidth={0} />;
}

/** How far the view is zoomed, small. */
function Zoom() {
  const zoom = useStore((store) => Math.round(store.transform[2] * 100));
  return <Panel position="bottom-left" className="zoom" aria-hidden="true">{zoom} %</Panel>;
}

function colorOf(node: FlowNode): string {
  return node.type === "layer" ? familyColor(node.data.node.family) : "var(--family-input, #888)";
}

/** The index in the id of a handle: `i3`, `o0`. */
function indexOf(handle: string | null | undefined): number {
  return Number(handle?.slice(1) ?? 0);
}
