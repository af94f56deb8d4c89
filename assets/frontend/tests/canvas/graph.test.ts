import { expect, test } from "vitest";
import { lastOutput, neighbour, portsOf, reaches, referenceTo, refusal, wiresOf } from "../../src/canvas/graph";
import { level, node } from "./sheets";

const split = node("split", ["in"], { outputs: ["left", "right"] });
const diamond = level([node("in"), split, node("one", ["split"]), node("two", ["split:right"]), node("sum", ["one", "two", null])]);
const wires = wiresOf(diamond);

test("references become connections from outputs to inputs, and open inputs none", () => {
  expect(wires.map(({ id, source, output }) => `${source}:${output} -> ${id}`)).toEqual([
    "in:0 -> split.0", "split:0 -> one.0", "split:1 -> two.0", "one:0 -> sum.0", "two:0 -> sum.1",
  ]);
});

test("what the block is given is a source, and what nobody gives is left out", () => {
  const inside = wiresOf(level([node("a", ["x", "nobody"])], { given: ["x"] }));
  expect(inside.map((wire) => wire.source)).toEqual(["x"]);
});

test("the first output is named by the node alone", () => {
  expect([referenceTo(split, "split", 0), referenceTo(split, "split", 1), referenceTo(undefined, "x", 0)]).toEqual(["split", "split:right", "x"]);
});

test.each([
  [["x"], ["a"], ["x"]],
  [["x", "mask?"], ["a"], ["x", "mask?"]],
  [["x*"], [], ["x"]],
  [["x*"], ["a"], ["x1", "x2?"]],
  [["x*"], ["a", null, "b"], ["x1", "x2", "x3", "x4?"]],
  [["query", "x*"], ["a", "b"], ["query", "x2", "x3?"]],
] as const)("ports %j of which %j are read are drawn as %j", (ports, inputs, drawn) => {
  const shown = portsOf({ ports: [...ports], inputs: [...inputs] });
  expect(shown.map(({ name, isOptional }) => name + (isOptional ? "?" : ""))).toEqual(drawn);
  expect(shown.map(({ index }) => index)).toEqual(shown.map((_, index) => index));
});

test("a signal reaches what is behind, not what is before", () => {
  expect([reaches(wires, "in", "sum"), reaches(wires, "sum", "in"), reaches(wires, "one", "two")]).toEqual([true, false, false]);
});

test.each([
  ["sum", "in", 0, "would run in a circle"],
  ["sum", "one", 1, "would run in a circle"],
  ["one", "one", 0, "a node cannot read itself"],
  ["one", "sum", 0, "reads it already"],
  ["one", "sum", 1, null],
  ["in", "sum", 2, null],
])("%s into %s at port %i: %s", (source, target, port, reason) => {
  expect(refusal(wires, { source, output: 0, target, port })).toBe(reason);
});

test("another output of the same node is another signal", () => {
  expect(refusal(wires, { source: "split", output: 1, target: "one", port: 0 })).toBeNull();
});

test("arrow keys walk along the signal, and between those side by side", () => {
  const across = (id: string) => ({ one: -100, two: 100, split: 20 })[id] ?? 0;
  const to = (from: string, step: Parameters<typeof neighbour>[2]) => neighbour(wires, from, step, across);
  expect(to("split", "forward")).toBe("two");
  expect(to("sum", "back")).toBe("one");
  expect(to("one", "next")).toBe("two");
  expect(to("one", "previous")).toBeNull();
  expect(to("two", "previous")).toBe("one");
  expect([to("sum", "forward"), to("in", "back")]).toEqual([null, null]);
});

test("what is added goes behind the last output, else behind the last node", () => {
  expect(lastOutput({ ...diamond, outputs: ["one", "two:y"] })).toBe("two");
  expect(lastOutput({ ...diamond, outputs: ["gone"] })).toBe("sum");
  expect(lastOutput({ nodes: [], outputs: [] })).toBeNull();
});
