/** What every plot stands in: a title, room for the plot, and the words shown while there is nothing to plot. */

import Plotly, { type Layout, type PlotlyDiv, type Trace } from "plotly.js-cartesian-dist-min";
import { element, setText } from "./dom";
import type { Theme } from "./theme";

const CONFIG = {
  displaylogo: false,
  displayModeBar: false, // it lies over legend and lines; drag zooms, double click and our button reset
  doubleClick: false, // ours below does the same as the button
  scrollZoom: false, // the wheel belongs to the page
};

/** What is seen of the two axes at first. */
export interface Range {
  x: [number, number];
  y: [number, number];
}

/** Milliseconds between two changes of what a screen reader is told. */
const DESCRIBE_EVERY = 2_000;

export class PlotFrame {
  readonly root = element("figure", "layerlab-figure");
  readonly caption = element("figcaption", "layerlab-caption");
  readonly plot = element("div", "layerlab-plot", { role: "img" }) as PlotlyDiv;
  private readonly title = element("span", "layerlab-title");
  private readonly empty = element("div", "layerlab-empty");
  private readonly resetButton = element("button", "layerlab-button layerlab-reset", { type: "button" });
  private description = "";
  private described = -DESCRIBE_EVERY;
  private describing = 0;
  private isDrawn = false;
  private home: Range | undefined;

  /** `zoomed` is called when the person has changed what part is seen. */

  constructor(private readonly zoomed: () => void) {
    const room = element("div", "layerlab-room");
    room.append(this.plot, this.empty);
    this.resetButton.textContent = "reset zoom";
    this.resetButton.hidden = true;
    this.resetButton.addEventListener("click", () => this.resetZoom());
    this.caption.append(this.title, this.resetButton);
    this.root.append(this.caption, room);
  }

  setTitle(title: string): void {
    setText(this.title, title);
    if (!this.isDrawn) this.plot.setAttribute("aria-label", title);
  }

  /** Words in place of a plot; an empty text for none. */
  showEmpty(text: string, height: number): void {
    setText(this.empty, text);
    this.plot.style.height = `${height}px`;
    this.plot.style.visibility = text ? "hidden" : "visible";
  }

  /**
   * Draw into the one element that this plot has for ever: what the person zoomed into stays.
   *
   * Without `home` a plot that is not zoomed shows all of its traces.
   */
  draw(traces: Trace[], layout: Layout, home?: Range): void {
    this.home = home;
    void Plotly.react(this.plot, traces, layout, CONFIG);
    this.resetButton.hidden = !this.isZoomed;
    if (this.isDrawn) return;
    this.isDrawn = true;
    this.plot.on?.("plotly_doubleclick", () => this.resetZoom());
    this.plot.on?.("plotly_relayout", (change) => {
      if (!Object.keys(change).some((key) => /^[xy]axis/.test(key))) return;
      this.resetButton.hidden = !this.isZoomed;
      this.zoomed();
    });
  }

  /** Whether the person looks at a part that they chose. */
  private get isZoomed(): boolean {
    const { xaxis, yaxis } = this.plot.layout ?? {};
    if (!this.home) return xaxis?.autorange === false || yaxis?.autorange === false;
    return String(xaxis?.range) !== String(this.home.x) || String(yaxis?.range) !== String(this.home.y);
  }

  private resetZoom(): void {
    const everything = { "xaxis.autorange": true, "yaxis.autorange": true };
    const home = this.home && { "xaxis.range": [...this.home.x], "yaxis.range": [...this.home.y] };
    void Plotly.relayout(this.plot, home ?? everything);
  }

  /** Give the text alternative, the newest one every two seconds: else a screen reader would never come to an end. */
  describe(text: string): void {
    this.description = text;
    if (this.describing) return;
    const wait = Math.max(0, this.described + DESCRIBE_EVERY - performance.now());
    this.describing = window.setTimeout(() => {
      this.describing = 0;
      this.described = performance.now();
      this.plot.setAttribute("aria-label", this.description);
    }, wait);
  }

  resize(): void {
    if (this.isDrawn && this.plot.clientWidth > 0) Plotly.Plots.resize(this.plot);
  }

  close(): void {
    window.clearTimeout(this.describing);
    Plotly.purge(this.plot);
  }
}

/** The layout that all plots share. */
export function baseLayout(theme: Theme, run: string, height: number): Layout {
  return {
    uirevision: run, // what the person zoomed into stays as long as this does
    height,
    autosize: true,
    margin: { l: 8, r: 8, t: 6, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: theme.text, family: theme.font, size: 12 },
    hoverlabel: { bgcolor: theme.background, bordercolor: theme.grid, font: { color: theme.text, family: theme.font } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
  };
}

export function baseAxis(theme: Theme, title: string): Record<string, unknown> {
  return {
    title: { text: title, standoff: 8, font: { size: 12 } },
    gridcolor: theme.grid,
    linecolor: theme.grid,
    zeroline: false,
    automargin: true,
  };
}
