/** The learning-rate range test: the loss over the rate, with the rates that are suggested and the one in use. */

import type { Layout, Trace } from "plotly.js-cartesian-dist-min";
import { value } from "../format";
import type { Range } from "../frame";
import { colorOf, translucent, type Theme } from "../theme";

export interface Rates {
  rates: number[];
  losses: number[];
  smooth_rates: number[];
  smooth_losses: number[];
  steepest: number | null;
  tenth: number | null;
}

/** A line at a rate that matters. */
interface Mark {
  rate: number;
  label: string;
  dash: string;
}

/** Of the height between the lowest loss and the highest of the first ones, what is left free below and above. */
const AIR = 0.12;
const FIRST = 10;

export function marks(seen: Rates, current: number): Mark[] {
  const found: Mark[] = [];
  if (seen.steepest !== null) found.push({ rate: seen.steepest, label: "steepest fall", dash: "solid" });
  if (seen.tenth !== null) found.push({ rate: seen.tenth, label: "a tenth of the lowest", dash: "dash" });
  found.push({ rate: current, label: "in use", dash: "dot" });
  return found;
}

export function traces(seen: Rates, theme: Theme): Trace[] {
  const color = colorOf(theme, 0);
  return [
    {
      type: "scatter",
      mode: "markers",
      x: seen.rates,
      y: seen.losses,
      showlegend: false, // three lines are enough: the words below the plot tell of dots and curve
      marker: { color: translucent(color, 0.6), size: 4 },
      hoverinfo: "skip",
    },
    {
      type: "scatter",
      mode: "lines",
      x: seen.smooth_rates,
      y: seen.smooth_losses,
      showlegend: false,
      line: { color, width: 2.5 },
      hovertemplate: "rate %{x:.2~g}<br>loss %{y:.4~g}<extra></extra>",
    },
  ];
}

/** What is seen at first: every rate, and losses from the lowest to the first ones; those that explode leave the plot. */
export function home(seen: Rates, current: number): Range {
  const rates = [...seen.rates, current].map(Math.log10);
  if (seen.losses.length === 0) return { x: [Math.min(...rates) - 1, Math.max(...rates) + 1], y: [0, 1] };
  const low = Math.min(...seen.smooth_losses);
  const high = Math.max(...seen.losses.slice(0, FIRST));
  const air = AIR * (high - low || Math.abs(high) || 1);
  return { x: [Math.min(...rates) - 0.1, Math.max(...rates) + 0.1], y: [low - air, high + 2 * air] };
}

/** Lines across the plot, and what they are in the legend: names beside lines would lie on top of each other. */
export function markTraces(seen: Rates, current: number, theme: Theme): Trace[] {
  const { y } = home(seen, current);
  return marks(seen, current).map(({ rate, label, dash }, index) => ({
    type: "scatter",
    mode: "lines",
    x: [rate, rate],
    y: [...y],
    name: `${label}: ${value(rate)}`,
    line: { color: label === "in use" ? theme.text : colorOf(theme, index + 1), width: 1.5, dash },
    hoverinfo: "skip",
  }));
}

export function axes(seen: Rates, current: number): Layout {
  const { x, y } = home(seen, current);
  return {
    xaxis: { type: "log", range: x, exponentformat: "power", dtick: 1, title: "learning rate" },
    yaxis: { range: y, title: "loss before the step" },
  };
}

/** The text alternative. */
export function description(seen: Rates, current: number): string {
  const lowest = seen.smooth_losses.indexOf(Math.min(...seen.smooth_losses));
  const course =
    lowest < 0
      ? "There is no loss that is a number"
      : `The smoothed loss goes from ${value(seen.smooth_losses[0]!)} to its lowest, ${value(seen.smooth_losses[lowest]!)}, ` +
        `at a rate of ${value(seen.smooth_rates[lowest]!)}, and ends at ${value(seen.smooth_losses.at(-1)!)}`;
  const lines = marks(seen, current).map(({ rate, label }) => `${label} ${value(rate)}`);
  return `Loss over the learning rate. ${course}. Rates: ${lines.join(", ")}.`;
}
