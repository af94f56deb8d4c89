/** A panel of metrics over steps: raw values pale, their smoothed course strong, and the band from minimum to maximum. */

import type { Trace } from "plotly.js-cartesian-dist-min";
import { element } from "./dom";
import { plain, value, whole } from "./format";
import { PlotFrame, baseAxis, baseLayout } from "./frame";
import type { History } from "./history";
import { clamped, positive, smallestPositive } from "./logarithm";
import type { Curve, Series } from "./series";
import { colorOf, translucent, type Theme } from "./theme";

export interface Panel {
  title: string;
  /** Of the vertical axis. */
  unit: string;
  series: { name: string; label: string }[];
}

export interface Drawing {
  run: string;
  history: History;
  theme: Theme;
  /** Steps that the smoothing remembers. */
  memory: number;
  height: number;
}

/** More bands than this hide each other. */
const MOST_BANDS = 4;
const FEWEST_PIXELS = 200;

export class LinePanel {
  readonly frame: PlotFrame;
  private readonly logButton = element("button", "layerlab-button", { type: "button", "aria-pressed": "false" });
  private isLog = false;

  /** `redraw` is called when the person changes the scale or zooms. */
  constructor(
    private panel: Panel,
    redraw: () => void,
  ) {
    this.frame = new PlotFrame(redraw); // closer up there is more to see than was merged for the wider view
    this.logButton.textContent = "log scale";
    this.logButton.addEventListener("click", () => {
      this.isLog = !this.isLog;
      this.logButton.setAttribute("aria-pressed", String(this.isLog));
      redraw();
    });
    this.frame.caption.append(this.logButton);
    this.update(panel);
  }

  update(panel: Panel): void {
    this.panel = panel;
    this.frame.setTitle(panel.title);
    this.logButton.setAttribute("aria-label", `${panel.title}: logarithmic scale`);
  }

  /** Whether there was anything to draw. */
  draw(drawing: Drawing): boolean {
    const shown = this.panel.series
      .map(({ name, label }, index) => ({ label, index, series: drawing.history.series(name) }))
      .filter((line): line is typeof line & { series: Series } => (line.series?.length ?? 0) > 0);
    if (shown.length === 0) return false;

    const { from, to, pixels } = this.window(shown.map((line) => line.series));
    const traces = shown.flatMap(({ label, index, series }) => {
      series.smoothOver(drawing.memory);
      return this.traces(plain(label), colorOf(drawing.theme, index), series.curve(from, to, pixels), drawing.memory > 1);
    });
    this.frame.draw(traces, this.layout(drawing));
    const latest = shown.map(({ label, series }) => `${label} ${value(series.lastValue)} at step ${whole(series.lastStep)}`);
    this.frame.describe(`${this.panel.title}: ${latest.join(", ")}.`);
    return true;
  }

  /** The steps that can be seen, with as much again on each side for dragging, and how many points that is worth. */
  private window(all: Series[]): { from: number; to: number; pixels: number } {
    const first = Math.min(...all.map((series) => series.firstStep));
    const last = Math.max(...all.map((series) => series.lastStep));
    const pixels = Math.max(FEWEST_PIXELS, this.frame.plot.clientWidth);
    const axis = this.frame.plot.layout?.xaxis;
    if (!axis?.range || axis.autorange !== false) return { from: first, to: last, pixels };
    const [left, right] = axis.range;
    const width = right - left;
    return { from: Math.max(first, left - width), to: Math.min(last, right + width), pixels: 3 * pixels };
  }

  private traces(label: string, color: string, curve: Curve, isSmoothed: boolean): Trace[] {
    const line = { type: "scatter", mode: "lines", x: curve.step, legendgroup: label, connectgaps: false };
    const quiet = { ...line, showlegend: false, hoverinfo: "skip" };
    const floor = smallestPositive([...curve.min, ...curve.mean]);
    const edge = (values: number[]) => (this.isLog ? clamped(values, floor) : values);
    const course = (values: number[]) => (this.isLog ? positive(values) : values);
    const traces: Trace[] = [];
    if (this.panel.series.length <= MOST_BANDS) {
      traces.push(
        { ...quiet, y: edge(curve.min), line: { width: 0, color } },
        { ...quiet, y: edge(curve.max), line: { width: 0, color }, fill: "tonexty", fillcolor: translucent(color, 0.13) },
      );
    }
    if (isSmoothed) traces.push({ ...quiet, y: course(curve.mean), line: { width: 1, color: translucent(color, 0.4) } });
    // A metric that was measured once is a point, not a line.
    const mode = curve.step.length === 1 ? "markers" : "lines";
    const y = course(isSmoothed ? curve.smooth : curve.mean);
    traces.push({ ...line, y, mode, name: label, line: { width: 2, color }, marker: { color }, hovertemplate: "%{y:.4~g}" });
    return traces;
  }

  private layout({ theme, run, height }: Drawing): Record<string, unknown> {
    return {
      ...baseLayout(theme, run, height),
      hovermode: "x unified",
      xaxis: { ...baseAxis(theme, "step"), unifiedhovertitle: { text: "step %{x:,d}" } },
      yaxis: {
        ...baseAxis(theme, plain(this.panel.unit)),
        nticks: 6,
        type: this.isLog ? "log" : "linear",
        uirevision: `${run} ${this.isLog}`, // a range of one scale means nothing on the other
      },
    };
  }
}
