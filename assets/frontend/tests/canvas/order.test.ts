import { expect, test } from "vitest";
import { firstPort, gapAt, gapBeside, movesTo, NONE_CHOSEN, only, readsOf, toggled, upTo } from "../../src/canvas/order";
import { chain, level, node } from "./sheets";

const ORDER = ["image", "a", "b", "c", "d"];
const moves = (moved: string[], gap: number) => movesTo(ORDER, new Set(moved), gap, null).map((edit) => edit.edit === "move" && [edit.node, edit.after]);

test("the gap is behind the cards whose middles lie above", () => {
  const middleOf = (index: number) => 20 + index * 60;
  expect([-5, 20, 21, 79, 81, 500].map((y) => gapAt(4, middleOf, y))).toEqual([0, 0, 1, 1, 2, 4]);
  expect(gapAt(0, middleOf, 100)).toBe(0);
});

test.each([
  [["b"], 1, [["b", "image"]]],
  [["b"], 4, [["b", "c"]]],
  [["b"], 5, [["b", "d"]]],
  [["b"], 0, [["b", null]]],
  [["a", "c"], 5, [["a", "d"], ["c", "a"]]],
  [["c", "a"], 1, [["a", "image"], ["c", "a"]]],
  [["a", "b"], 4, [["a", "c"], ["b", "a"]]],
  [["b", "d"], 3, [["b", "a"], ["d", "b"]]],
])("%j dropped into gap %i become moves %j", (moved, gap, wanted) => expect(moves(moved, gap)).toEqual(wanted));

test.each([[["b"], 2], [["b"], 3], [["a", "b"], 2], [["image", "a"], 0], [["c", "d"], 5], [[], 3]])(
  "%j dropped into gap %i stand there already",
  (moved, gap) => expect(moves(moved, gap)).toEqual([]),
);

test("a move inside a block names it", () => {
  expect(movesTo(["a", "b"], new Set(["b"]), 0, "Stage")).toEqual([{ edit: "move", node: "b", after: null, block: "Stage" }]);
});

test("a step goes past one neighbour, and none past the ends", () => {
  const beside = (moved: string[], step: 1 | -1) => gapBeside(ORDER, new Set(moved), step);
  expect([beside(["b"], 1), beside(["b"], -1)]).toEqual([4, 1]);
  expect([beside(["d"], 1), beside(["image"], -1)]).toEqual([null, null]);
  expect([beside(["a", "b"], 1), beside(["a", "b"], -1)]).toEqual([4, 0]);
  expect(moves(["b"], beside(["b"], 1)!)).toEqual([["b", "c"]]);
  expect(moves(["b"], beside(["b"], -1)!)).toEqual([["b", "image"]]);
});

test("what is read is said where it does not simply stand in front", () => {
  const nodes = [
    node("image"), node("a", ["image"]), node("b", ["image"]), node("sum", ["b", "a"], { title: "Sum", ports: ["x*"] }), node("split", ["sum"], { outputs: ["left", "right"] }),
    node("c", ["split:right"]), node("open", [null]), node("masked", ["open", null], { ports: ["x", "mask?"] }), node("ask", ["masked", "sum"], { ports: ["x", "mask?"] }),
  ];
  const said = nodes.map((_, index) => readsOf(level(nodes), index));
  expect(said).toEqual([null, null, "image", "b, a", null, "split:right", "nothing", null, "masked, Sum"]);
});

test("inside a block the first node simply reads what is given", () => {
  const nodes = [node("a", ["x"]), node("b", ["a"]), node("add", ["b", "x"])];
  const inside = level(nodes, { given: ["x"] });
  expect(nodes.map((_, index) => readsOf(inside, index))).toEqual([null, null, "b, x"]);
  expect(chain(3).map((_, index) => readsOf(level(chain(3)), index))).toEqual([null, null, null]);
});

test("the first port that is connected", () => {
  expect([firstPort({ inputs: [null, "a"] }), firstPort({ inputs: [] }), firstPort({ inputs: [null] })]).toEqual([1, null, null]);
});

test("clicks select one, one more, or all up to there from where the selection began", () => {
  const ids = (chosen: { ids: ReadonlySet<string> }) => [...chosen.ids];
  const one = only(["b"]);
  expect([ids(toggled(one, "d")), ids(toggled(one, "b"))]).toEqual([["b", "d"], []]);
  expect(ids(upTo(ORDER, one, "d"))).toEqual(["b", "c", "d"]);
  expect(ids(upTo(ORDER, upTo(ORDER, one, "d"), "image"))).toEqual(["image", "a", "b"]);
  expect(ids(upTo(ORDER, NONE_CHOSEN, "c"))).toEqual(["c"]);
  expect(ids(upTo(ORDER, only(["gone"]), "c"))).toEqual(["c"]);
});
