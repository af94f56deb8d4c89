/** The stack: one card a node, in the order in which they run, with the same tools, keys and selection as the canvas. */

import {
  memo, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, type DragEvent, type KeyboardEvent, type MouseEvent, type PointerEvent,
} from "react";
import type { Spot } from "./actions";
import { DRAGGED } from "./add";
import { Breadcrumb, Toolbar } from "./chrome";
import { useEditor, type ViewProps } from "./editor";
import { familyColor } from "./family";
import { labelOf } from "./flow";
import { splitReference } from "./graph";
import { useFullscreen, useStable } from "./hooks";
import { Icon } from "./icons";
import { STACK_SHORTCUTS, type Command } from "./keys";
import { CardHead, useCardClasses } from "./nodes";
import { firstPort, gapAt, gapBeside, movesTo, NONE_CHOSEN, only, readsOf, toggled, upTo } from "./order";
import { Overlays } from "./overlays";
import type { SheetNode } from "./sheet";

/** A press that goes further than this, in pixels, is a drag. */
const DRAG = 4;
/** Within so many pixels of an edge a drag scrolls, by at most so many pixels a frame. */
const EDGE = 44;
const FASTEST = 16;
/** In milliseconds: a drag from the palette that is not heard of for so long has left the stack. */
const LEFT = 600;

/** Cards that a person has taken hold of. */
interface Grip {
  id: string;
  moved: ReadonlySet<string>;
  x: number;
  y: number;
  isDrag: boolean;
}

export function Stack(props: ViewProps) {
  const { session } = props;
  const { at, level, isBusy, gone } = useSyncExternalStore(session.subscribe, session.current);
  const [chosen, setChosen] = useState(NONE_CHOSEN);
  const [dragged, setDragged] = useState<ReadonlySet<string> | null>(null);
  /** Where what is dragged would go. */
  const [gap, setGap] = useState<number | null>(null);

  const wrapper = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const ghost = useRef<HTMLDivElement>(null);
  const [isFull, toggleFull] = useFullscreen(wrapper);
  const grip = useRef<Grip | null>(null);
  const pointer = useRef({ x: 0, y: 0 });
  const leaving = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** Where the keys were last: what is deleted leaves its place to the next one. */
  const place = useRef(0);

  const shown = useMemo(() => ({ nodes: level?.nodes.filter(({ id }) => !gone.has(id)) ?? [], given: level?.given ?? [] }), [level?.nodes, level?.given, gone]);
  const order = useMemo(() => shown.nodes.map(({ id }) => id), [shown]);
  const reads = useMemo(() => shown.nodes.map((_, index) => readsOf(shown, index)), [shown]);
  const outs = useMemo(() => new Set(level?.outputs.map((reference) => splitReference(reference).id)), [level?.outputs]);
  const selectedKey = order.filter((id) => chosen.ids.has(id)).join(" ");
  const selected = useMemo(() => selectedKey.split(" ").filter(Boolean), [selectedKey]);
  const active = chosen.active !== null && order.includes(chosen.active) ? chosen.active : null;
  const block = level?.block ?? null;

  const rows = () => list.current?.querySelectorAll<HTMLElement>(".stack-row") ?? [];
  const grab = () => list.current?.focus({ preventScroll: true });
  const reveal = (id: string | undefined) => [...rows()].find((row) => row.dataset.id === id)?.scrollIntoView({ block: "nearest" });
  const choose = (ids: readonly string[]) => {
    setChosen(only(ids));
    requestAnimationFrame(() => reveal(ids[0]));
  };
  const remove = () => {
    actions.remove(selected, []);
    grab();
  };

  const editor = useEditor(props, "stack", {
    wrapper, selected, choose, isHeld: false, grab, remove,
    pasteTo: () => ({ after: actions.before(selected) }),
    startOver: () => scroller.current?.scrollTo(0, 0),
  });
  const { actions, add, go, open, point, showAdd } = editor;

  // What the server says becomes what is shown.
  useLayoutEffect(() => {
    if (!level) return setChosen(NONE_CHOSEN);
    const wanted = editor.arrived(level);
    if (wanted) choose(wanted);
  }, [level]);
  useLayoutEffect(() => {
    scroller.current?.scrollTo(0, 0); // in braces: some browsers return a promise, which React would take for what cleans up
  }, [level?.at]);
  useEffect(() => {
    if (active !== null) place.current = order.indexOf(active);
  }, [order, active]);

  const titleOf = (id: string | null) => shown.nodes.find((node) => node.id === id)?.title ?? id;
  /** Where something that is put into a gap goes: behind a node, or into what the first node of a block reads. */
  const spotAt = (at: number): Spot | null => {
    if (at > 0) return { after: order[at - 1]! };
    const [first] = shown.nodes;
    const port = first && block !== null ? firstPort(first) : null;
    return first && port !== null ? { edge: { node: first.id, port } } : null;
  };
  const addBehind = useStable((id: string) => showAdd("", { after: id }));
  const inFront = spotAt(0);
  const whereOf = ({ after, edge }: Spot) => {
    const before = after ?? actions.before(selected);
    if (edge) return `in front of ${titleOf(edge.node)}`;
    return before === null ? "the first node" : `behind ${titleOf(before)}`;
  };

  const walk = (index: number, isMore: boolean) => {
    const id = order[Math.max(0, Math.min(order.length - 1, index))];
    if (id === undefined) return;
    setChosen((before) => (isMore ? upTo(order, before, id) : only([id])));
    reveal(id);
  };
  const step = (by: 1 | -1, isMore: boolean) => {
    if (active !== null) return walk(order.indexOf(active) + by, isMore);
    return walk(chosen.active === null ? (by === 1 ? 0 : order.length - 1) : place.current - (by === 1 ? 0 : 1), isMore);
  };
  const move = async (by: 1 | -1) => {
    const to = selected.length > 0 ? gapBeside(order, chosen.ids, by) : null;
    if (to === null || !(await actions.reorder(movesTo(order, chosen.ids, to, block)))) return;
    requestAnimationFrame(tellPlace);
  };
  /** Where what the keys have moved stands now. */
  const tellPlace = useStable(() => {
    if (active === null) return;
    reveal(active);
    editor.setSaid(`${titleOf(active)} is number ${order.indexOf(active) + 1} of ${order.length}`);
  });
  const carryOut = (command: Command, event: KeyboardEvent) => {
    switch (command) {
      case "add": return showAdd(event.key === "/" ? "" : event.key);
      case "forward": return step(1, event.shiftKey);
      case "backward": return step(-1, event.shiftKey);
      case "first": return walk(0, event.shiftKey);
      case "last": return walk(order.length - 1, event.shiftKey);
      case "moveDown": return move(1);
      case "moveUp": return move(-1);
      case "selectAll": return setChosen((before) => ({ ...before, ids: new Set(order) }));
      case "unselect": return grip.current ? release() : editor.carryOut(command);
      default: return editor.carryOut(command);
    }
  };

  const rowOf = (target: EventTarget) => (target as Element).closest<HTMLElement>(".stack-row")?.dataset.id;
  const isOnButton = (target: EventTarget) => (target as Element).closest("button") !== null;

  /** The gap nearest to the pointer. */
  const gapHere = () => {
    const cards = rows();
    const middleOf = (index: number) => {
      const { top, height } = (cards[index]!.firstElementChild as HTMLElement).getBoundingClientRect();
      return top + height / 2;
    };
    return gapAt(cards.length, middleOf, pointer.current.y);
  };
  const follow = () => {
    const held = grip.current;
    const box = wrapper.current?.getBoundingClientRect();
    if (!held?.isDrag || !box) return;
    const to = gapHere();
    setGap(movesTo(order, held.moved, to, block).length > 0 ? to : null);
    if (ghost.current) ghost.current.style.transform = `translate(${pointer.current.x - box.left + 14}px, ${pointer.current.y - box.top + 10}px)`;
  };
  const scroll = useStable(() => {
    if (!grip.current?.isDrag || !scroller.current) return;
    const { top, bottom } = scroller.current.getBoundingClientRect();
    const { y } = pointer.current;
    const into = y < top + EDGE ? y - top - EDGE : y > bottom - EDGE ? y - bottom + EDGE : 0;
    if (into !== 0) {
      scroller.current.scrollTop += Math.max(-FASTEST, Math.min(FASTEST, into / 3));
      follow();
    }
    requestAnimationFrame(scroll);
  });
  const release = () => {
    grip.current = null;
    setDragged(null);
    setGap(null);
  };

  const press = (event: PointerEvent) => {
    if (event.button !== 0 || isOnButton(event.target)) return;
    const id = rowOf(event.target);
    if (id === undefined) return setChosen(NONE_CHOSEN);
    if (event.ctrlKey || event.metaKey) return setChosen((before) => toggled(before, id));
    if (event.shiftKey) return setChosen((before) => upTo(order, before, id));
    const isAmong = chosen.ids.has(id);
    if (!isAmong) setChosen(only([id]));
    grip.current = { id, moved: isAmong ? new Set(selected) : new Set([id]), x: event.clientX, y: event.clientY, isDrag: false };
  };
  const drag = (event: PointerEvent) => {
    const held = grip.current;
    if (!held) return;
    if (event.buttons === 0) return release(); // it was let go where nobody heard of it
    pointer.current = { x: event.clientX, y: event.clientY };
    if (!held.isDrag && Math.hypot(event.clientX - held.x, event.clientY - held.y) > DRAG) {
      held.isDrag = true;
      scroller.current?.setPointerCapture(event.pointerId);
      setDragged(held.moved);
      requestAnimationFrame(scroll);
    }
    follow();
  };
  const letGo = () => {
    const held = grip.current;
    if (held?.isDrag) void actions.reorder(movesTo(order, held.moved, gapHere(), block));
    else if (held) setChosen(only([held.id]));
    release();
  };
  const doubleClick = (event: MouseEvent) => {
    const id = rowOf(event.target);
    if (id !== undefined && !isOnButton(event.target)) open(id);
  };

  const dragOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(DRAGGED)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    pointer.current = { x: event.clientX, y: event.clientY };
    const to = gapHere();
    setGap(spotAt(to) ? to : Math.min(1, order.length));
    // Browsers tell of a drag several times a second while it is here; where it is when it leaves they tell badly.
    clearTimeout(leaving.current);
    leaving.current = setTimeout(() => setGap(null), LEFT);
  };
  const drop = (event: DragEvent) => {
    const name = event.dataTransfer.getData(DRAGGED);
    if (!name) return;
    event.preventDefault();
    clearTimeout(leaving.current);
    setGap(null);
    add(name, spotAt(gapHere()) ?? spotAt(Math.min(1, order.length)) ?? {});
  };

  const groups = [
    [editor.tools.add],
    [editor.tools.undo, editor.tools.redo],
    [editor.tools.find, { icon: "full" as const, label: isFull ? "Leave full size" : "Full size", isOn: isFull, run: toggleFull }],
    [editor.tools.help],
  ];

  return (
    <div ref={wrapper} className="canvas stack" aria-busy={isBusy} onKeyDown={editor.keys(carryOut)}>
      {isBusy && <div className="busy" role="progressbar" aria-label="Waiting for the server" />}
      <div className="stack-head">
        <Toolbar label="Stack" groups={groups} />
        {level && <Breadcrumb name={level.name} path={level.path} onGo={go} />}
      </div>
      <div
        ref={scroller}
        className={dragged ? "stack-body is-dragging" : "stack-body"}
        onPointerDown={press}
        onPointerMove={drag}
        onPointerUp={letGo}
        onPointerCancel={release}
        onPointerOver={(event) => point(rowOf(event.target) ?? null)}
        onPointerLeave={() => point(null)}
        onDoubleClick={doubleClick}
        onDragOver={dragOver}
        onDrop={drop}
      >
        {level && order.length === 0 && <AddButton label="Add the first node" isLarge add={() => showAdd()} />}
        {inFront && <AddButton label={`Add ${whereOf(inFront)}`} add={() => showAdd("", inFront)} />}
        <div
          ref={list}
          className="stack-list"
          role="grid"
          tabIndex={0}
          aria-label={`Network${level?.name ? ` ${level.name}` : ""}, in the order in which it runs. Press ? for the keys.`}
          aria-multiselectable="true"
          aria-activedescendant={active === null ? undefined : `row-${active}`}
        >
          {shown.nodes.map((node, index) => (
            <StackRow
              key={node.id}
              at={at}
              node={node}
              reads={reads[index]!}
              isOut={outs.has(node.id)}
              isJoined={shown.nodes[index + 1]?.inputs.some((source) => source !== null && splitReference(source).id === node.id) ?? false}
              isLast={index + 1 === order.length}
              isSelected={chosen.ids.has(node.id)}
              isActive={node.id === active}
              isDragged={dragged?.has(node.id) ?? false}
              drop={gap === index + 1 ? "behind" : gap === 0 && index === 0 ? "in-front" : null}
              open={open}
              add={addBehind}
            />
          ))}
        </div>
      </div>
      {dragged && <div ref={ghost} className="stack-ghost" aria-hidden="true">{dragged.size === 1 ? titleOf([...dragged][0]!) : `${dragged.size} nodes`}</div>}
      <Overlays editor={editor} whereOf={whereOf} dragTo="to its place" shortcuts={STACK_SHORTCUTS} />
    </div>
  );
}

interface StackRowProps {
  /** The level. */
  at: string;
  node: SheetNode;
  /** What it reads, where that is not what stands in front of it. */
  reads: string | null;
  isOut: boolean;
  /** The next one reads this one. */
  isJoined: boolean;
  isLast: boolean;
  isSelected: boolean;
  isActive: boolean;
  isDragged: boolean;
  /** On which side of it something dragged would go. */
  drop: "behind" | "in-front" | null;
  open: (id: string) => void;
  add: (id: string) => void;
}

/** A node, and the gap behind it. */
const StackRow = memo(function StackRow({ at, node, reads, isOut, isJoined, isLast, isSelected, isActive, isDragged, drop, open, add }: StackRowProps) {
  const classes = ["stack-row", isSelected && "is-selected", isActive && "is-active", isDragged && "is-dragged", isJoined && "is-joined", drop && `drop-${drop}`];
  return (
    <div
      id={`row-${node.id}`}
      className={classes.filter(Boolean).join(" ")}
      data-id={node.id}
      role="row"
      aria-selected={isSelected}
      aria-label={[labelOf(node), reads && `reads ${reads}`, isOut && "comes out"].filter(Boolean).join(", ")}
    >
      <div className={useCardClasses(at, node)} role="gridcell" style={{ "--family": familyColor(node.family) }}>
        <CardHead node={node} open={open} />
        <div className="card-shape" title={node.shapes.join("\n")}>{node.shapes[0] ?? ""}</div>
        <div className="card-about" title={node.about}>{node.about}</div>
        <div className="card-parameters">{node.parameters}</div>
        {reads && <div className="stack-reads" title={`Reads ${reads}`}>reads {reads}</div>}
        {node.problem && <div className={`stack-problem ${node.problem.severity}`} title={node.problem.because}>{node.problem.title}</div>}
        {isOut && <span className="card-out" title="Comes out of the network or block">out</span>}
      </div>
      <div className="stack-gap" role="gridcell">
        <AddButton label={`Add behind ${node.title}`} isLarge={isLast} add={() => add(node.id)} />
      </div>
    </div>
  );
});

function AddButton({ label, isLarge = false, add }: { label: string; isLarge?: boolean; add: () => void }) {
  return (
    <button type="button" className={isLarge ? "stack-add is-large" : "stack-add"} tabIndex={-1} aria-label={label} title={label} onClick={add}>
      <Icon name="add" />
    </button>
  );
}
