/** Canvas and stack as one Streamlit component: shows a design as the server has it, and sends what a person does to it. */

import { ReactFlowProvider } from "@xyflow/react";
import flowCss from "@xyflow/react/dist/base.css?inline";
import { createRoot, type Root } from "react-dom/client";
import { element } from "./dom";
import { leaving } from "./leaving";
import { Board } from "./canvas/board";
import css from "./canvas/canvas.css?inline";
import type { CanvasData, ViewProps } from "./canvas/editor";
import litCss from "./canvas/lit.css?inline";
import type { PaletteEntry } from "./canvas/palette";
import { Session } from "./canvas/session";
import { Stack } from "./canvas/stack";
import { Telling } from "./canvas/telling";

export { source } from "./beside/source";
export { table } from "./beside/table";

interface Component {
  data: CanvasData;
  parentElement: HTMLElement | ShadowRoot;
  setStateValue: (name: string, value: unknown) => void;
}

/** The palette of a server is the same for all its designs. */
const palettes = new Map<string, Promise<PaletteEntry[]>>();

function loadPalette(api: string): Promise<PaletteEntry[]> {
  const known = palettes.get(api) ?? fetchPalette(api);
  palettes.set(api, known);
  known.catch(() => palettes.delete(api)); // asked for again next time
  return known;
}

async function fetchPalette(api: string): Promise<PaletteEntry[]> {
  const response = await fetch(new URL(`${api}/palette`, document.baseURI), { credentials: "same-origin" });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return (await response.json()) as PaletteEntry[];
}

/** One canvas on the page: a React root, and a session for the design that it shows. */
class Mounted {
  private readonly place = element("div", "place");
  private readonly style = element("style");
  private readonly root: Root;
  private session: Session | undefined;
  private shown = "";
  private readonly telling = new Telling((told) => this.setStateValue("told", told));

  constructor(
    parent: Component["parentElement"],
    private setStateValue: Component["setStateValue"],
  ) {
    this.style.textContent = flowCss + css + litCss;
    parent.append(this.style, this.place);
    this.root = createRoot(this.place);
  }

  /** Take what a script run says. */
  update({ data, setStateValue }: Component): void {
    this.setStateValue = setStateValue;
    const shown = `${data.api} ${data.design}`;
    if (!this.session || shown !== this.shown) {
      this.session?.close();
      this.session = new Session(data, data.at, (revision) => this.telling.revised(revision));
      this.shown = shown;
    }
    const props: ViewProps = {
      session: this.session,
      data,
      loadPalette: () => loadPalette(data.api),
      tellSelection: (...told) => this.telling.selected(...told),
    };
    this.root.render(data.view === "stack" ? <Stack key={shown} {...props} /> : <ReactFlowProvider key={shown}><Board {...props} /></ReactFlowProvider>);
  }

  close(): void {
    this.session?.close();
    this.telling.close();
    this.root.unmount();
    this.place.remove();
    this.style.remove();
  }
}

const mounted = new WeakMap<Component["parentElement"], Mounted>();

/** Called by Streamlit at every script run; what it returns is called when the component leaves the page. */
export default function canvas(component: Component): () => void {
  const { parentElement, setStateValue } = component;
  const known = mounted.get(parentElement) ?? new Mounted(parentElement, setStateValue);
  mounted.set(parentElement, known);
  known.update(component);
  return leaving(parentElement, () => {
    mounted.get(parentElement)?.close();
    mounted.delete(parentElement);
  });
}
