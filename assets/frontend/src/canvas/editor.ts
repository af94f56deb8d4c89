/** What every view of a design needs: what is open above it, what keys do in all of them, and what the script is told. */

import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type KeyboardEvent, type RefObject } from "react";
import { Actions, type Spot } from "./actions";
import type { Tool } from "./chrome";
import { Echo } from "./echo";
import { useStable } from "./hooks";
import { commandOf, type Command, type View } from "./keys";
import { guide, lamp, pathOf } from "./lamp";
import type { PaletteEntry } from "./palette";
import type { Session } from "./session";
import type { Level, Place } from "./sheet";
import { REST } from "./telling";

/** What a script run says. */
export interface CanvasData {
  design: string;
  /** Where the routes are, relative to the page. */
  api: string;
  /** The canvas, or the stack. */
  view: View;
  revision: number;
  at: string;
  selected: string[];
  /** Another number than before: load everything again and show all of it. */
  reset?: number;
}

export interface ViewProps {
  session: Session;
  data: CanvasData;
  loadPalette: () => Promise<PaletteEntry[]>;
  /** `isNews` where the script does not know of it. */
  tellSelection: (at: string, nodes: string[], isNews: boolean) => void;
}

export type Opened = { kind: "add"; text: string; spot: Spot } | { kind: "find" } | { kind: "help" } | { kind: "picture" };

/** How a view shows and changes what is selected in it. */
interface Selecting {
  wrapper: RefObject<HTMLDivElement | null>;
  selected: readonly string[];
  choose: (ids: readonly string[]) => void;
  /** The selection changes with every frame: the script need not hear of it yet. */
  isHeld: boolean;
  /** Takes the keys. */
  grab: () => void;
  remove: () => void;
  /** Where something that is pasted goes. */
  pasteTo: () => { place?: Place | null; after?: string | null };
  /** Show everything again, as at first. */
  startOver: () => void;
}

export function parentOf(at: string): string {
  return at.split(".").slice(0, -1).join(".");
}

export function useEditor({ session, data, loadPalette, tellSelection }: ViewProps, view: View, selecting: Selecting) {
  const { at, level } = useSyncExternalStore(session.subscribe, session.current);
  const { wrapper, selected, choose, isHeld, grab } = selecting;
  const [opened, setOpened] = useState<Opened | null>(null);
  const [palette, setPalette] = useState<PaletteEntry[] | null>(null);
  const [said, setSaid] = useState("");

  /** To be selected as soon as they are there. */
  const awaited = useRef<string[] | null>(data.selected.length > 0 ? data.selected : null);
  const levels = useRef(new Echo(data.at));
  const selections = useRef(new Echo(data.selected));
  const toldAt = useRef(data.at);

  const close = () => {
    setOpened(null);
    grab();
  };

  const chooseWhenThere = useStable((ids: string[]) => {
    const isThere = ids.every((id) => session.current().level?.nodes.some((node) => node.id === id));
    awaited.current = isThere ? null : ids;
    if (isThere) choose(ids);
  });
  /** What is to be selected of a level that has just come. */
  const arrived = ({ nodes }: Level): string[] | null => {
    const wanted = awaited.current;
    if (!wanted?.every((id) => nodes.some((node) => node.id === id))) return null;
    awaited.current = null;
    return wanted;
  };
  const actions = useMemo(() => new Actions(session, (ids) => chooseWhenThere(ids)), [session]);

  const go = useStable((to: string) => {
    if (to !== session.current().at) awaited.current = null;
    session.go(to);
    close();
  });
  const open = useStable((id: string) => {
    if (level?.nodes.find((node) => node.id === id)?.block) go(pathOf(at, id));
  });

  // What the pointer is on lights up in the table, and what is chosen there is selected here.
  const point = useStable((id: string | null) => (id === null ? lamp.dark("canvas") : lamp.light("canvas", pathOf(at, id))));
  useEffect(() => () => lamp.dark("canvas"), [at]);
  const show = useStable((path: string) => {
    const to = parentOf(path);
    if (to !== session.current().at) {
      setOpened(null);
      session.go(to);
    }
    chooseWhenThere(path.split(".").slice(-1));
  });
  useEffect(() => guide.follow(show), []);

  // What the script says, where it is no echo of what it was told.
  useEffect(() => session.hear(data.revision), [data.revision]);
  useEffect(() => {
    if (levels.current.isNews(data.at)) {
      toldAt.current = data.at;
      if (data.at !== session.current().at) awaited.current = null;
      session.go(data.at); // without the focus, which is somewhere else on the page
      setOpened(null);
    }
  }, [data.at]);
  useEffect(() => {
    if (selections.current.isNews(data.selected)) chooseWhenThere(data.selected);
  }, [JSON.stringify(data.selected)]);
  const reset = useRef(data.reset);
  useEffect(() => {
    if (reset.current === data.reset) return;
    reset.current = data.reset;
    selecting.startOver();
    session.reload();
  }, [data.reset]);

  // What the script is told.
  useEffect(() => {
    const timer = setTimeout(() => {
      if (!level || awaited.current || isHeld) return;
      const isNews = toldAt.current !== level.at || selections.current.isUntold([...selected]);
      if (toldAt.current !== level.at) levels.current.tells(level.at);
      if (isNews) selections.current.tells([...selected]);
      toldAt.current = level.at;
      tellSelection(level.at, [...selected], isNews);
    }, REST);
    return () => clearTimeout(timer);
  }, [selected, level, isHeld]);

  // Loaded ahead, so that Enter finds something as soon as a word is typed. What fails is asked for again, and told of, when it is opened.
  useEffect(() => void loadPalette().then(setPalette, () => undefined), []);
  useEffect(() => {
    if (opened?.kind !== "add" || palette) return;
    loadPalette().then(setPalette, () => session.tell("The palette could not be loaded.", "The server does not answer; open it again in a moment."));
  }, [opened?.kind, palette]);

  // The clipboard gives its text without asking for permission only in this event, which goes to the document.
  const pasteTo = useStable(selecting.pasteTo);
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const focused = (wrapper.current?.getRootNode() as ShadowRoot | undefined)?.activeElement;
      if (!focused || !wrapper.current?.contains(focused) || focused.matches("input, textarea")) return;
      event.preventDefault();
      void actions.paste(event.clipboardData?.getData("text/plain") ?? "", pasteTo());
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [actions]);

  const add = (name: string, spot: Spot) => {
    close();
    void actions.add(name, selected, spot);
  };
  const showAdd = (text = "", spot: Spot = {}) => setOpened({ kind: "add", text, spot });

  /** What a command means in every view. */
  const carryOut = (command: Command) => {
    switch (command) {
      case "remove": return selecting.remove();
      case "back": return selected.length > 0 ? selecting.remove() : at && go(parentOf(at));
      case "up": return at && go(parentOf(at));
      case "open": return selected.length === 1 && open(selected[0]!);
      case "duplicate": return selected.length > 0 && actions.duplicate([...selected]);
      case "copy": return actions.copy([...selected]);
      case "cut": return actions.copy([...selected]).then((isCopied) => isCopied && actions.remove([...selected], []));
      case "undo": return actions.undo();
      case "redo": return actions.redo();
      case "unselect": return opened ? close() : choose([]);
      case "find": return setOpened({ kind: "find" });
      case "help": return setOpened({ kind: "help" });
    }
  };

  /** Handles a key of the view; what a view does with a command itself is its `carryOut`. */
  const keys = (carryOut: (command: Command, event: KeyboardEvent) => unknown) => (event: KeyboardEvent) => {
    const element = event.target as HTMLElement;
    if (element.matches("input, textarea")) return;
    const command = commandOf(event, view);
    if (!command || (command === "open" && element.matches("button"))) return;
    // The page must not act on the same key; React Flow hears of the keys that it needs, which no command uses.
    event.stopPropagation();
    event.preventDefault();
    void carryOut(command, event);
  };

  const tools = {
    add: { icon: "add", label: "Add", keys: "/", isOff: !level, run: () => showAdd() },
    undo: { icon: "undo", label: "Undo", keys: "Ctrl+Z", isOff: !level?.undo, run: () => actions.undo() },
    redo: { icon: "redo", label: "Redo", keys: "Ctrl+Shift+Z", isOff: !level?.redo, run: () => actions.redo() },
    find: { icon: "find", label: "Find", keys: "Ctrl+F", isOff: !level, run: () => setOpened({ kind: "find" }) },
    help: { icon: "help", label: "Keyboard and mouse", keys: "?", run: () => setOpened({ kind: "help" }) },
  } satisfies Record<string, Tool>;

  return {
    actions, add, arrived, awaited, carryOut, choose, close, go, keys, level, open, opened, palette, point, said, session, setOpened, setSaid, showAdd, tools,
  };
}

export type Editor = ReturnType<typeof useEditor>;
