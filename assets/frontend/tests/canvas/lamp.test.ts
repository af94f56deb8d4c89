import { expect, test, vi } from "vitest";
import { Guide, isWithin, Lamp, pathOf } from "../../src/canvas/lamp";

test("a node's path goes through the levels above it", () => {
  expect(pathOf("", "stage1")).toBe("stage1");
  expect(pathOf("stage1.left", "conv1")).toBe("stage1.left.conv1");
});

test.each([
  ["conv1", "conv1", true], ["stage1.conv1", "stage1", true], ["stage1.left.conv1", "stage1", true], ["conv10", "conv1", false],
  ["stage1", "stage1.conv1", false], ["stage10.conv1", "stage1", false], ["stage1", "", false],
])("%s is within %s: %j", (path, node, expected) => expect(isWithin(path, node)).toBe(expected));

test("what is pointed at on one side is seen from the other, until it is another or nothing", () => {
  const lamp = new Lamp();
  expect([lamp.on("table"), lamp.on("canvas")]).toEqual([null, null]);
  lamp.light("table", "conv1");
  expect([lamp.on("table"), lamp.on("canvas")]).toEqual(["conv1", null]);
  lamp.light("canvas", "conv2");
  expect([lamp.on("table"), lamp.on("canvas")]).toEqual([null, "conv2"]);
  lamp.dark("canvas");
  expect([lamp.on("table"), lamp.on("canvas")]).toEqual([null, null]);
});

test("who leaves late does not put out what is lit meanwhile on the other side", () => {
  const lamp = new Lamp();
  lamp.light("table", "conv1");
  lamp.light("canvas", "conv1");
  lamp.dark("table");
  expect(lamp.on("canvas")).toBe("conv1");
});

test("listeners hear of changes alone, and of none after they have left", () => {
  const lamp = new Lamp();
  const hear = vi.fn();
  const leave = lamp.subscribe(hear);
  lamp.light("table", "conv1");
  lamp.light("table", "conv1");
  lamp.dark("canvas");
  expect(hear).toHaveBeenCalledTimes(1);
  lamp.light("table", "conv2");
  lamp.dark("table");
  lamp.dark("table");
  expect(hear).toHaveBeenCalledTimes(3);
  leave();
  lamp.light("table", "conv1");
  expect(hear).toHaveBeenCalledTimes(3);
});

test("the guide leads to whoever follows last, and says when nobody does", () => {
  const guide = new Guide();
  expect(guide.lead("conv1")).toBe(false);
  const [first, second] = [vi.fn(), vi.fn()];
  const leaveFirst = guide.follow(first);
  const leaveSecond = guide.follow(second);
  leaveFirst(); // the old canvas leaves after the new one has come
  expect(guide.lead("stage1.conv1")).toBe(true);
  expect(second).toHaveBeenCalledExactlyOnceWith("stage1.conv1");
  expect(first).not.toHaveBeenCalled();
  leaveSecond();
  expect(guide.lead("conv1")).toBe(false);
});
