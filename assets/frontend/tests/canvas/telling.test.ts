import { beforeEach, expect, test, vi } from "vitest";
import { Telling, type Told } from "../../src/canvas/telling";

let said: Told[];
let telling: Telling;
beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  telling = new Telling((told) => said.push(told));
});

test("a change and the selection that comes of it are said at once", () => {
  telling.revised(2);
  vi.advanceTimersByTime(300);
  telling.selected("", ["copy"], true);
  vi.advanceTimersByTime(1_000);
  expect(said).toEqual([{ revision: 2, at: "", nodes: ["copy"] }]);
});

test("a change that selects nothing new is said as soon as that has come to rest", () => {
  telling.selected("", ["a"], true);
  telling.revised(2);
  telling.selected("", ["a"], false);
  expect(said.slice(1)).toEqual([{ revision: 2, at: "", nodes: ["a"] }]);
  vi.advanceTimersByTime(1_000);
  expect(said).toHaveLength(2);
});

test("a change is said, whatever is being selected, and several in a row as one", () => {
  for (const revision of [2, 3, 4]) telling.revised(revision);
  vi.advanceTimersByTime(1_000);
  expect(said).toEqual([{ revision: 4 }]);
  telling.revised(5);
  vi.advanceTimersByTime(1_000);
  expect(said.slice(1)).toEqual([{ revision: 5 }]);
});

test("what the script has selected is not told back, and not undone by the next change", () => {
  telling.selected("", ["a"], true);
  telling.selected("stage1", ["b"], false);
  expect(said).toHaveLength(1);
  telling.revised(2);
  vi.advanceTimersByTime(1_000);
  expect(said).toEqual([{ at: "", nodes: ["a"] }, { revision: 2, at: "stage1", nodes: ["b"] }]);
});

test("nothing is said by what has left the page", () => {
  telling.revised(2);
  telling.close();
  vi.advanceTimersByTime(1_000);
  expect(said).toEqual([]);
});
