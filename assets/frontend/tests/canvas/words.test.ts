import { expect, test } from "vitest";
import { clipText, parseClip } from "../../src/canvas/clip";
import { Echo } from "../../src/canvas/echo";
import { familyColor } from "../../src/canvas/family";
import { drawnAt, Flow, labelOf, type FlowNode } from "../../src/canvas/flow";
import { commandOf, stepOf, type View } from "../../src/canvas/keys";
import { chain, level, node, ROOM } from "./sheets";

test("a clip is read back as it was written", () => {
  const clip = { format: "layerlab.clip", version: 1, nodes: [{ id: "a" }] };
  expect(parseClip(clipText(clip))).toEqual(clip);
  expect(parseClip(clipText({ nodes: [] }))).toEqual({ nodes: [], format: "layerlab.clip" });
});

test.each(["", "hello", "[]", "null", '"layerlab.clip"', '["layerlab.clip"]', '{"format": "other"}', '{"other": "layerlab.clip"}', '{"format": "other", "x": "layerlab.clip"}', '{"format": "layerlab.clip"'])(
  "%j is no clip",
  (text) => expect(parseClip(text)).toBeNull(),
);

test("text longer than any clip is not even parsed", () => {
  expect(parseClip(`{"format": "layerlab.clip", "x": "${"x".repeat(4_000_000)}"}`)).toBeNull();
});

test("an echo is no news, whatever has been told since", () => {
  const echo = new Echo<string[]>([]);
  echo.tells(["a"]);
  echo.tells(["b"]);
  expect(echo.isNews(["a"])).toBe(false);
  expect(echo.isNews(["b"])).toBe(false);
  expect(echo.isUntold(["b"])).toBe(false);
  expect(echo.isUntold(["a"])).toBe(true);
});

test("what the script says of its own is news, once", () => {
  const echo = new Echo<string[]>([]);
  expect(echo.isNews([])).toBe(false);
  expect(echo.isNews(["a"])).toBe(true);
  expect(echo.isNews(["a"])).toBe(false);
  expect(echo.isUntold(["a"])).toBe(false);
  echo.tells(["b"]);
  expect(echo.isNews(["a"])).toBe(false); // a script run for another reason, before it hears of b
});

const press = (keys: string, view: View) => {
  const parts = keys.split("+");
  const has = (name: string) => parts.includes(name);
  return commandOf({ key: parts.at(-1)!, ctrlKey: has("Control"), metaKey: false, shiftKey: has("Shift"), altKey: has("Alt") }, view);
};

test.each([
  ["/", "add"], ["c", "add"], ["r", "add"], ["ö", "add"], ["f", "fit"], ["?", "help"], ["Delete", "remove"], ["Backspace", "back"], ["Alt+ArrowUp", "up"],
  ["Control+z", "undo"], ["Control+Shift+Z", "redo"], ["Control+y", "redo"], ["Control+a", "selectAll"], ["Control+d", "duplicate"],
  ["Control+v", null], ["Control+Shift+C", null], ["Control+r", null], ["Shift", null], ["Control", null], ["1", null], ["Tab", null], [" ", null], ["Alt+c", null],
])("%s means %s", (keys, command) => expect(press(keys, "canvas")).toBe(command));

test.each([
  ["f", "add"], ["/", "add"], ["ArrowDown", "forward"], ["Shift+ArrowUp", "backward"], ["ArrowLeft", null], ["Home", "first"], ["End", "last"],
  ["Alt+ArrowUp", "up"], ["Alt+Shift+ArrowUp", "moveUp"], ["Alt+Shift+ArrowDown", "moveDown"], ["Control+ArrowDown", "moveDown"], ["Control+ArrowLeft", null], ["Alt+Shift+x", null], ["Delete", "remove"],
  ["Control+d", "duplicate"], ["Control+f", "find"], ["?", "help"],
])("in the stack %s means %s", (keys, command) => expect(press(keys, "stack")).toBe(command));

test("arrow keys follow the direction of the drawing", () => {
  expect(["forward", "left"].map((command) => stepOf(command as "forward", "down"))).toEqual(["forward", "previous"]);
  expect(["forward", "left"].map((command) => stepOf(command as "forward", "right"))).toEqual(["next", "back"]);
});

test("a node is said in words", () => {
  const conv = node("conv1", [], { type: "Conv2d", shapes: ["6 x 28 x 28"], parameters: "156" });
  expect(labelOf(conv)).toBe("conv1, Conv2d, 6 x 28 x 28, 156 parameters");
  const problem = { severity: "error" as const, title: "It does not fit", because: "" };
  expect(labelOf({ ...conv, frozen: true, repeat: 3, problem })).toBe(
    "conv1, Conv2d, repeated 3 times, 6 x 28 x 28, 156 parameters, frozen, error: It does not fit",
  );
});

test("a family of the palette has the colour that its layers have", () => {
  expect(familyColor("Convolution")).toContain("--family-convolution");
  expect(familyColor("Blocks")).toContain("--family-block,");
});

test("what has not changed is not drawn again, and a selection stays", () => {
  const flow = new Flow();
  const drawing = { room: ROOM, direction: "down" as const, gone: new Set<string>(), moved: new Map() };
  const nodes = chain(3);
  const first = flow.nodes([], { ...drawing, level: level(nodes) }).map((one): FlowNode => ({ ...one, selected: true }));
  const changed = [nodes[0]!, { ...nodes[1]!, shapes: ["20"] }, nodes[2]!];
  const second = flow.nodes(first, { ...drawing, level: level(changed) });
  expect(second[0]).toBe(first[0]);
  expect(second[1]).not.toBe(first[1]);
  expect(second[1]!.selected).toBe(true);
  expect(second[2]).toBe(first[2]);
  const edges = flow.edges([], { ...drawing, level: level(nodes), showsShape: false, target: null });
  const again = flow.edges(edges, { ...drawing, level: level(changed), showsShape: false, target: null });
  expect(again[0]).toBe(edges[0]);
  expect(again[1]).not.toBe(edges[1]);
});

test("a node that is being dragged stays under the pointer", () => {
  const flow = new Flow();
  const drawing = { room: ROOM, direction: "down" as const, gone: new Set<string>(), moved: new Map() };
  const [first] = flow.nodes([], { ...drawing, level: level([node("a")]) });
  const dragged = { ...first!, dragging: true, position: { x: 333, y: 44 } };
  const [after] = flow.nodes([dragged], { ...drawing, level: level([node("a", [], { shapes: ["7"] })]) });
  expect(after!.position).toEqual({ x: 333, y: 44 });
});

test("the inputs of a block are nodes of their own, and what is gone is not drawn", () => {
  const flow = new Flow();
  const inside = level([node("a", ["x"]), node("b", ["a"])], { given: ["x"], outputs: ["b"] });
  const nodes = flow.nodes([], { level: inside, direction: "right", room: ROOM, gone: new Set(["a"]), moved: new Map([["b", [5, 6]]]) });
  expect(nodes.map(({ id }) => id)).toEqual(["given:x", "b"]);
  const drawn = drawnAt([5, 6], "right");
  expect(nodes[1]).toMatchObject({ position: { x: drawn[0], y: drawn[1] }, data: { isOut: true } });
  const edges = flow.edges([], { level: inside, direction: "right", gone: new Set(), showsShape: false, target: null });
  expect(edges[0]).toMatchObject({ source: "given:x", sourceHandle: "o0", target: "a", targetHandle: "i0" });
});
