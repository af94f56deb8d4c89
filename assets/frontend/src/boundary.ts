/** What a network with two inputs answers all over the plane, under the points that it learns from. */

import type { Trace } from "plotly.js-cartesian-dist-min";
import { element, setText } from "./dom";
import { plain, whole } from "./format";
import { PlotFrame, baseAxis, baseLayout } from "./frame";
import { centres, grouped, type Group } from "./plane";
import { colorOf, translucent, type Theme } from "./theme";
import type { BoundaryMeta, PointsMeta } from "./wire";

export interface Boundary {
  meta: BoundaryMeta;
  values: Float32Array;
}

export interface Points {
  meta: PointsMeta;
  /** Four numbers a point: x, y, class, part. */
  values: Float32Array;
}

const PARTS = ["training", "validation", "test"];
const SYMBOLS = ["circle", "diamond", "square"];
const SIGNS = ["●", "◆", "■"];
/** Blue and orange: they differ in lightness too, and for every kind of colour blindness, on white and on black. */
const TWO_CLASSES = ["#3f7fdc", "#e8871e"];

/** The field is paler than the points on it. */
const FIELD_ALPHA = 0.45;

export class BoundaryPanel {
  readonly frame: PlotFrame;
  boundary: Boundary | undefined;
  points: Points | undefined;
  private readonly parts = element("span", "layerlab-parts");

  /** `redraw` is called when the person zooms. */
  constructor(redraw: () => void) {
    this.frame = new PlotFrame(redraw);
    this.frame.setTitle("Decision boundary");
    this.frame.caption.append(this.parts);
    setText(this.parts, "");
  }

  /** Whether there was anything to draw. */
  draw(run: string, theme: Theme, height: number): boolean {
    if (!this.boundary) return false;
    const { meta } = this.boundary;
    const groups = this.points ? grouped(this.points.values) : [];
    const traces = [...this.field(theme), ...groups.map((group) => this.cloud(group, theme))];
    this.frame.draw(traces, this.layout(run, theme, height), meta);
    const present = PARTS.map((name, part) => ({ name, part })).filter(({ part }) => groups.some((group) => group.part === part));
    setText(this.parts, present.length > 1 ? present.map(({ name, part }) => `${SIGNS[part]} ${name}`).join("  ") : "");
    const labels = meta.labels.join(", ");
    this.frame.describe(`Decision boundary between ${labels} at step ${whole(meta.step)}.`);
    return true;
  }

  private classColor(theme: Theme, index: number): string {
    return (this.boundary?.meta.classes ?? 2) > 2 ? colorOf(theme, index) : TWO_CLASSES[index % 2]!;
  }

  /** The network's output as colour; for two classes the line where it is undecided as well. */
  private field(theme: Theme): Trace[] {
    const { meta, values } = this.boundary!;
    const rows = Array.from({ length: meta.size }, (_, row) => values.subarray(row * meta.size, (row + 1) * meta.size));
    const grid = { x: centres(meta.x, meta.size), y: centres(meta.y, meta.size), z: rows, showscale: false };
    if (meta.classes > 2) {
      const classes = Array.from({ length: meta.classes }, (_, index) => translucent(this.classColor(theme, index), FIELD_ALPHA));
      const scale = classes.flatMap((color, index) => [
        [index / meta.classes, color],
        [(index + 1) / meta.classes, color],
      ]);
      return [{ ...grid, type: "heatmap", zmin: -0.5, zmax: meta.classes - 0.5, colorscale: scale, hoverinfo: "skip" }];
    }
    const scale = [
      [0, translucent(TWO_CLASSES[0]!, FIELD_ALPHA)],
      [0.5, translucent(theme.background, 1)],
      [1, translucent(TWO_CLASSES[1]!, FIELD_ALPHA)],
    ];
    return [
      { ...grid, type: "heatmap", zmin: -1, zmax: 1, zsmooth: "best", colorscale: scale, hovertemplate: "output %{z:.2f}<extra></extra>" },
      {
        ...grid,
        type: "contour",
        contours: { start: 0, end: 0, size: 1, coloring: "none" },
        line: { color: theme.text, width: 1.5 },
        hoverinfo: "skip",
        showlegend: false,
      },
    ];
  }

  private cloud(group: Group, theme: Theme): Trace {
    const label = plain(this.points?.meta.labels[group.class] ?? String(group.class));
    return {
      type: "scatter",
      mode: "markers",
      x: group.x,
      y: group.y,
      name: label,
      legendgroup: label,
      showlegend: group.part === 0,
      marker: {
        color: this.classColor(theme, group.class),
        symbol: SYMBOLS[group.part] ?? "circle",
        size: 7,
        line: { color: theme.background, width: 1 },
      },
      hovertemplate: `${label}, ${PARTS[group.part] ?? ""}<br>x %{x:.3~g}, y %{y:.3~g}<extra></extra>`,
    };
  }

  private layout(run: string, theme: Theme, height: number): Record<string, unknown> {
    const { x, y } = this.boundary!.meta;
    // One unit is as long across as up. Plotly writes into a range, so that it gets its own.
    const axis = { ticks: "", constrain: "domain" };
    return {
      ...baseLayout(theme, run, height),
      hovermode: "closest",
      xaxis: { ...baseAxis(theme, "x"), ...axis, range: [...x] },
      yaxis: { ...baseAxis(theme, "y"), ...axis, range: [...y], scaleanchor: "x" },
    };
  }
}
