/** Activations and gradients by depth at the first step: a line for each way to begin. */

import type { Layout, Trace } from "plotly.js-cartesian-dist-min";
import { plain, value } from "../format";
import { colorOf, type Theme } from "../theme";

export interface Scheme {
  name: string;
  /** Of each node's output, and of the slope there; null where there is none. */
  activation: (number | null)[];
  gradient: (number | null)[];
}

export interface Spread {
  nodes: { title: string; type: string }[];
  schemes: Scheme[];
}

export type Measure = "activation" | "gradient";

export const TITLES: Record<Measure, string> = {
  activation: "Spread of activations by depth",
  gradient: "Spread of gradients by depth",
};

const UNITS: Record<Measure, string> = {
  activation: "standard deviation of outputs",
  gradient: "standard deviation, loss per output",
};
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];

/** What a logarithm can show: zero is a gap. */
function shown(values: (number | null)[]): (number | null)[] {
  return values.map((one) => (one !== null && one > 0 ? one : null));
}

export function traces(seen: Spread, measure: Measure, theme: Theme): Trace[] {
  const titles = seen.nodes.map(({ title, type }) => plain(title === type ? title : `${title} (${type})`));
  return seen.schemes.map((scheme, index) => ({
    type: "scatter",
    mode: "lines+markers",
    x: seen.nodes.map((_, depth) => depth + 1),
    y: shown(scheme[measure]),
    customdata: titles,
    name: plain(scheme.name),
    showlegend: false, // one legend for both plots
    line: { color: colorOf(theme, index), width: index === 0 ? 3 : 1.75, dash: DASHES[index % DASHES.length] },
    marker: { color: colorOf(theme, index), size: index === 0 ? 7 : 5 },
    hovertemplate: `%{customdata}<br>${plain(scheme.name)}: %{y:.3~g}<extra></extra>`,
  }));
}

/** A line of both plots: what it is called and looks like, as far as a border can. */
export interface Sample {
  name: string;
  color: string;
  border: "solid" | "dashed" | "dotted";
}

export function legend(seen: Spread, theme: Theme): Sample[] {
  return seen.schemes.map(({ name }, index) => {
    const dash = DASHES[index % DASHES.length]!;
    return { name, color: colorOf(theme, index), border: dash === "solid" ? "solid" : dash === "dot" ? "dotted" : "dashed" };
  });
}

/** Decades between two ticks: one, or as many as leave room for their names; less than one is left to Plotly. */
const TICKS = 8;

export function axes(seen: Spread, measure: Measure): Layout {
  const numbers = seen.schemes.flatMap((scheme) => shown(scheme[measure])).filter((one): one is number => one !== null);
  const decades = numbers.length ? Math.log10(Math.max(...numbers) / Math.min(...numbers)) : 0;
  return {
    xaxis: { title: "node, in the order in which they run", ...(seen.nodes.length <= TICKS ? { dtick: 1 } : {}) },
    yaxis: {
      type: "log",
      exponentformat: "power",
      title: UNITS[measure],
      ...(decades > 1 ? { dtick: Math.ceil(decades / TICKS) } : {}),
    },
  };
}

/** The text alternative: the first and the last number of each line. */
export function description(seen: Spread, measure: Measure): string {
  const lines = seen.schemes.map((scheme) => {
    const numbers = shown(scheme[measure]).filter((one): one is number => one !== null);
    if (numbers.length === 0) return `${scheme.name} nothing above zero`;
    return `${scheme.name} ${value(numbers[0]!)} to ${value(numbers.at(-1)!)}`;
  });
  return `${TITLES[measure]}, from the first node to the last: ${lines.join(", ")}.`;
}
