import { expect, test } from "vitest";
import * as rates from "../src/probe/rates";
import * as spread from "../src/probe/spread";
import { isOver, waitAfter, words, type Told } from "../src/probe/told";
import type { Theme } from "../src/theme";

const THEME: Theme = { text: "#000", grid: "#ccc", background: "#fff", font: "serif", palette: ["#111111", "#222222", "#333333"] };
const TOLD: Told = { kind: "rates", status: "queued", progress: 0, result: null, problem: null };
const SEEN: rates.Rates = {
  rates: [1e-4, 1e-2, 1],
  losses: [2, 1, 40],
  smooth_rates: [1e-4, 1e-3, 1e-2],
  smooth_losses: [2, 1.5, 20],
  steepest: 0.005,
  tenth: 1e-4,
};

test("a probe is asked for until it is over, and less often after a while", () => {
  expect([waitAfter(TOLD, 0), waitAfter({ ...TOLD, status: "running" }, 500)]).toEqual([250, 1000]);
  expect([waitAfter({ ...TOLD, status: "done" }, 0), waitAfter({ ...TOLD, status: "failed" }, 0)]).toEqual([null, null]);
  expect([isOver(TOLD), isOver({ ...TOLD, status: "failed" })]).toEqual([false, true]);
});

test("it is said how a probe is until there is something to see", () => {
  const said = [undefined, TOLD, { ...TOLD, status: "running" as const, progress: 0.434 }, { ...TOLD, status: "done" as const }].map(words);
  expect(said).toEqual(["Loading", "Waiting for a free process", "Testing: 43 %", ""]);
});

test("a line stands at every rate that is known, and at the one in use", () => {
  expect(rates.marks(SEEN, 0.003).map(({ rate, label }) => [rate, label])).toEqual([
    [0.005, "steepest fall"],
    [1e-4, "a tenth of the lowest"],
    [0.003, "in use"],
  ]);
  expect(rates.marks({ ...SEEN, steepest: null, tenth: null }, 0.003)).toHaveLength(1);
});

test("losses that explode leave the plot, and the rate in use is always in it", () => {
  const { x, y } = rates.home(SEEN, 100);
  expect(x[1]).toBeGreaterThan(2);
  expect(x[0]).toBeLessThan(-4);
  expect(rates.home({ ...SEEN, losses: [2, 1, 1.5] }, 1).y[1]).toBeLessThan(2.5);
  expect(y[0]).toBeLessThan(1.5);
  const long = { ...SEEN, losses: [...Array<number>(20).fill(2), 900], smooth_losses: [...Array<number>(20).fill(2), 90] };
  expect(rates.home(long, 1).y[1]).toBeLessThan(3);
});

test("a test that saw nothing is drawn without lines for what it suggests", () => {
  const none = { ...SEEN, rates: [], losses: [], smooth_rates: [], smooth_losses: [], steepest: null, tenth: null };
  expect(rates.description(none, 0.01)).toContain("no loss that is a number");
  expect(rates.home(none, 0.01).y.every(Number.isFinite)).toBe(true);
  expect(rates.markTraces(none, 0.01, THEME)).toHaveLength(1);
});

test("the range test is told in words", () => {
  expect(rates.description(SEEN, 0.003)).toBe(
    "Loss over the learning rate. The smoothed loss goes from 2 to its lowest, 1.5, at a rate of 0.001, and ends at 20. " +
      "Rates: steepest fall 0.005, a tenth of the lowest 0.0001, in use 0.003.",
  );
});

const SPREAD: spread.Spread = {
  nodes: [
    { title: "first", type: "Linear" },
    { title: "<b>", type: "ReLU" },
    { title: "last", type: "Linear" },
  ],
  schemes: [
    { name: "As it is", activation: [1, 0.5, 0.1], gradient: [0.001, null, 0.1] },
    { name: "Zeros", activation: [0, 0, 0], gradient: [0, null, 0] },
  ],
};

test("what is zero or missing is a gap in the lines, and titles are no markup", () => {
  const [own, zeros] = spread.traces(SPREAD, "gradient", THEME);
  expect(own!["y"]).toEqual([0.001, null, 0.1]);
  expect(zeros!["y"]).toEqual([null, null, null]);
  expect(own!["customdata"]).toEqual(["first (Linear)", "&lt;b&gt; (ReLU)", "last (Linear)"]);
});

test("the spread is told in words, from the first node to the last", () => {
  expect(spread.description(SPREAD, "activation")).toBe(
    "Spread of activations by depth, from the first node to the last: As it is 1 to 0.1, Zeros nothing above zero.",
  );
});

test("every line has its colour in the legend, and a border like its dashes", () => {
  expect(spread.legend(SPREAD, THEME)).toEqual([
    { name: "As it is", color: "#111111", border: "solid" },
    { name: "Zeros", color: "#222222", border: "dashed" },
  ]);
  expect(spread.traces(SPREAD, "activation", THEME).map((trace) => (trace["line"] as { color: string }).color)).toEqual(["#111111", "#222222"]);
});

test("a wide range has a tick every few decades, and a narrow one is Plotly's", () => {
  const dtick = (gradient: number[]) => {
    const seen = { nodes: SPREAD.nodes, schemes: [{ name: "", activation: gradient, gradient }] };
    return (spread.axes(seen, "gradient")["yaxis"] as { dtick?: number }).dtick;
  };
  expect([dtick([1, 2, 3]), dtick([1, 100]), dtick([1e-30, 1]), dtick([])]).toEqual([undefined, 1, 4, undefined]);
});
