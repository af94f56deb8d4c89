/** A panel of metrics over steps: raw values pale, their smoothed course strong, and the band from minimum to maximum. */

import type { Trace } from "plotly.js-cartesian-dist-min";
import { element } from "./dom";
import { plain, value, whole } from "./format";
import { PlotFrame, baseAxis, baseLayout } from "./frame";
import type { Axis } from "./axis";
import { clamped, positive, smallestPositive } from "./logarithm";
import type { Series } from "./series";
import { translucent, type Theme } from "./theme";

export interface Panel {
  title: string;
  /** Of the vertical axis. */
  unit: string;
  /** A quiet one is drawn thin and dashed, beside one that matters more. */
  series: { name: string; label: string; quiet?: boolean }[];
}

/** One curve: a series of a run. */
export interface Line {
  label: string;
  series: Series;
  color: string;
  isQuiet: boolean;
  /** Steps in one unit of the horizontal axis. */
  stepsPerUnit: number;
}

export interface Drawing {
  /** What the person zoomed into stays as long as this does. */
  key: string;
  theme: Theme;
  /** Steps that the smoothing remembers. */
  memory: number;
  height: number;
  axis: Axis;
  bands: boolean;
  legend: boolean;
  /** Whether the raw values are drawn behind the smoothed ones. */
  raw: boolean;
}

interface Window {
  from: number;
  to: number;
  pixels: number;
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
    public panel: Panel,
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
  draw(lines: Line[], drawing: Drawing): boolean {
    const shown = lines.filter(({ series }) => series.length > 0);
    if (shown.length === 0) return false;

    const bands = drawing.bands && lines.length <= MOST_BANDS;
    const window = this.window(shown);
    const traces = shown.flatMap((line) => this.traces(line, window, { ...drawing, bands }));
    this.frame.draw(traces, this.layout(drawing));
    const latest = shown.map(({ label, series }) => `${label} ${value(series.lastValue)} at step ${whole(series.lastStep)}`);
    this.frame.describe(`${this.panel.title}: ${latest.join(", ")}.`);
    return true;
  }

  /** The part of the axis that can be seen, with as much again on each side for dragging, and how many points that is worth. */
  private window(lines: Line[]): Window {
    const first = Math.min(...lines.map(({ series, stepsPerUnit }) => series.firstStep / stepsPerUnit));
    const last = Math.max(...lines.map(({ series, stepsPerUnit }) => series.lastStep / stepsPerUnit));
    const pixels = Math.max(FEWEST_PIXELS, this.frame.plot.clientWidth);
    const axis = this.frame.plot.layout?.xaxis;
    if (!axis?.range || axis.autorange !== false) return { from: first, to: last, pixels };
    const [left, right] = axis.range;
    const width = right - left;
    return { from: Math.max(first, left - width), to: Math.min(last, right + width), pixels: 3 * pixels };
  }

  private traces({ label: name, series, color, isQuiet, stepsPerUnit }: Line, window: Window, drawing: Drawing): Trace[] {
    series.smoothOver(drawing.memory);
    const isSmoothed = drawing.memory > 1;
    const curve = series.curve(window.from * stepsPerUnit, window.to * stepsPerUnit, window.pixels);
    const label = plain(name);
    const x = stepsPerUnit === 1 ? curve.step : curve.step.map((step) => step / stepsPerUnit);
    const line = { type: "scatter", mode: "lines", x, legendgroup: label, connectgaps: false };
    const quiet = { ...line, showlegend: false, hoverinfo: "skip" };
    const floor = smallestPositive([...curve.min, ...curve.mean]);
    const edge = (values: number[]) => (this.isLog ? clamped(values, floor) : values);
    const course = (values: number[]) => (this.isLog ? positive(values) : values);
    const traces: Trace[] = [];
    if (drawing.bands) {
      traces.push(
        { ...quiet, y: edge(curve.min), line: { width: 0, color } },
        { ...quiet, y: edge(curve.max), line: { width: 0, color }, fill: "tonexty", fillcolor: translucent(color, 0.13) },
      );
    }
    if (isSmoothed && drawing.raw) {
      const alpha = isQuiet ? 0.2 : 0.4;
      traces.push({ ...quiet, y: course(curve.mean), line: { width: 1, color: translucent(color, alpha) } });
    }
    // A metric that was measured once is a point, not a line.
    const mode = curve.step.length === 1 ? "markers" : "lines";
    const y = course(isSmoothed ? curve.smooth : curve.mean);
    const drawn = isQuiet ? { width: 1.25, color, dash: "4px,3px" } : { width: 2, color };
    traces.push({ ...line, y, mode, name: label, line: drawn, marker: { color }, hovertemplate: "%{y:.4~g}" });
    return traces;
  }

  private layout({ theme, key, height, axis, legend }: Drawing): Record<string, unknown> {
    const place = axis === "step" ? "step %{x:,d}" : "epoch %{x:.4~g}";
    return {
      ...baseLayout(theme, key, height),
      hovermode: "x unified",
      showlegend: legend,
      xaxis: { ...baseAxis(theme, axis), unifiedhovertitle: { text: place } },
      yaxis: {
        ...baseAxis(theme, plain(this.panel.unit)),
        nticks: 6,
        exponentformat: "power", // no 1p or 1µ: a loss has no unit to put them before
        type: this.isLog ? "log" : "linear",
        uirevision: `${key} ${this.isLog}`, // a range of one scale means nothing on the other
      },
    };
  }
}
