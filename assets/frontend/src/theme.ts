/** The page's colours, and when they change. */

export interface Theme {
  text: string;
  grid: string;
  background: string;
  font: string;
  /** One colour a series or class. */
  palette: string[];
}

/** Safe for the common kinds of colour blindness; used where the page names no colours. */
const PALETTE = "#4f46e5,#e07b00,#009e73,#cc79a7,#56b4e9,#8c6d1f";

/** Read the theme where `place` stands in the page. */
export function readTheme(place: HTMLElement): Theme {
  const style = getComputedStyle(place);
  const variable = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: variable("--st-text-color", "#1f2430"),
    grid: variable("--st-border-color-light", variable("--st-border-color", "#d9dce3")),
    background: variable("--st-background-color", "#ffffff"),
    font: variable("--st-font", "sans-serif"),
    // Commas inside rgb(...) do not part two colours.
    palette: variable("--st-chart-categorical-colors", PALETTE).split(/,(?![^(]*\))/).map((color) => color.trim()),
  };
}

export function colorOf(theme: Theme, index: number): string {
  return theme.palette[index % theme.palette.length]!;
}

const rgb = new Map<string, string>();

/** Any CSS colour, made translucent. */
export function translucent(color: string, alpha: number): string {
  if (!rgb.has(color)) {
    const context = document.createElement("canvas").getContext("2d")!;
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    rgb.set(color, context.getImageData(0, 0, 1, 1).data.slice(0, 3).join(", "));
  }
  return `rgba(${rgb.get(color)}, ${alpha})`;
}

/** An invisible element that calls back when the theme changes: its colours take a moment to follow, which is an event. */
export function themeProbe(onChange: () => void): HTMLElement {
  const probe = document.createElement("div");
  probe.style.cssText =
    "width:0;height:0;color:var(--st-text-color);background:var(--st-background-color);" +
    "transition:color 10ms,background-color 10ms";
  probe.addEventListener("transitionend", onChange);
  return probe;
}
