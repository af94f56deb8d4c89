import { expect, test } from "vitest";
import { applySheet, STALE, viewPath, type Level } from "../../src/canvas/sheet";
import { node, sheet } from "./sheets";

const first = applySheet(null, sheet(1, [node("a"), node("b", ["a"]), node("c", ["b"])])) as Level;

function changed(answer: ReturnType<typeof sheet>): Level {
  const level = applySheet(first, answer);
  if (level === STALE) throw new Error("it does not fit");
  return level;
}

test("a change replaces its node, and leaves the others the same objects", () => {
  const level = changed(sheet(2, [node("b", ["a"], { title: "new" })], { base: 1 }));
  expect(level.revision).toBe(2);
  expect(level.nodes.map((one) => one.title)).toEqual(["a", "new", "c"]);
  expect(level.nodes[0]).toBe(first.nodes[0]);
  expect(level.nodes[1]).not.toBe(first.nodes[1]);
  expect(level.nodes[2]).toBe(first.nodes[2]);
});

test("an answer that says the same again changes no node and no list", () => {
  const level = changed(sheet(2, [node("a"), node("b", ["a"]), node("c", ["b"])]));
  expect(level.nodes).toBe(first.nodes);
  expect(level.path).toBe(first.path);
});

test("what is gone goes, and what is new stands where the order says", () => {
  const level = changed(sheet(2, [node("d", ["a"])], { base: 1, gone: ["b"], order: ["a", "d", "c"] }));
  expect(level.nodes.map((one) => one.id)).toEqual(["a", "d", "c"]);
});

test("an order that leaves nodes out hides none", () => {
  expect(changed(sheet(2, [], { base: 1, order: ["c"] })).nodes.map((one) => one.id)).toEqual(["c", "a", "b"]);
});

test("the whole drops nodes that it does not name", () => {
  expect(changed(sheet(7, [node("c")])).nodes.map((one) => one.id)).toEqual(["c"]);
});

test.each([
  ["another revision", sheet(3, [], { base: 2 })],
  ["another level", sheet(2, [], { base: 1, at: "block" })],
])("changes to %s are refused", (_, answer) => expect(applySheet(first, answer)).toBe(STALE));

test("changes to nothing are refused", () => expect(applySheet(null, sheet(2, [], { base: 1 }))).toBe(STALE));

test("a level of its own shares no nodes with the level before, whatever their ids", () => {
  const inside = applySheet(first, sheet(2, [node("a")], { at: "b" })) as Level;
  expect(inside.nodes[0]).not.toBe(first.nodes[0]);
});

test("positions stand with the graph that they are of", () => {
  expect([viewPath(null), viewPath("residual")]).toEqual(["network.view", "network.blocks.residual.view"]);
});
