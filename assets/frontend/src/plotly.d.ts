/** The few functions of Plotly that are used here. Traces and layouts are checked by Plotly itself. */
declare module "plotly.js-cartesian-dist-min" {
  export type Trace = Record<string, unknown>;
  export type Layout = Record<string, unknown>;

  export interface Axis {
    range?: [number, number];
    autorange?: boolean;
  }

  export interface PlotlyDiv extends HTMLDivElement {
    /** What the plot shows now, with what the person changed. */
    layout?: { xaxis?: Axis; yaxis?: Axis };
    on?(event: "plotly_relayout" | "plotly_doubleclick", handler: (change: Record<string, unknown>) => void): void;
  }

  const Plotly: {
    react(div: HTMLElement, traces: Trace[], layout: Layout, config: Record<string, unknown>): Promise<unknown>;
    relayout(div: HTMLElement, change: Record<string, unknown>): Promise<unknown>;
    purge(div: HTMLElement): void;
    Plots: { resize(div: HTMLElement): void };
  };
  export default Plotly;
}
