import { expect, test } from "vitest";
import { csv, isAbout, rowAfter, shown, tabbed, type Column, type Row } from "../../src/beside/rows";

const row = (path: string | null, ...cells: Row["cells"]): Row => ({ path, cells, family: "dense" });
const columns: Column[] = ["Layer", "Parameters"].map((name) => ({ name, help: "", isWords: name === "Layer" }));

test("counts are parted by thousands, and what is not known is a dash", () => {
  expect([61_706, 0, null, "18.4 KiB"].map(shown)).toEqual(["61,706", "0", "–", "18.4 KiB"]);
});

test.each([
  ["stage1.conv1", "stage1.conv1", true], ["stage1.conv1", "stage1", true], ["stage1", "stage1.conv1", true],
  ["stage1.conv1", "stage1.conv2", false], ["stage2", "stage1", false], [null, "stage1", false],
])("a row of %s is about %s: %j", (path, node, expected) => expect(isAbout(row(path, "x"), node)).toBe(expected));

test("a table is copied with tabs, its numbers plain and every row on one line", () => {
  expect(tabbed(columns, [row("a", "a", 61_706), row("b", "b\t\nc", null)])).toBe("Layer\tParameters\na\t61706\nb c\t");
});

test("a table is saved as RFC 4180 says", () => {
  expect(csv(columns, [row("a", 'the "first", of two', 7), row("b", "two\nlines", null)])).toBe(
    'Layer,Parameters\r\n"the ""first"", of two",7\r\n"two\nlines",\r\n',
  );
});

test.each(["=1+1", "+1", "-1", "@sum"])("%s becomes no formula", (text) => {
  expect(csv(columns, [row("a", text, -1)])).toContain(`'${text},-1`);
  expect(tabbed(columns, [row("a", text, -1)])).toContain(`'${text}\t-1`);
});

test.each([
  ["ArrowDown", 0, 1], ["ArrowDown", 29, 29], ["ArrowUp", 1, 0], ["ArrowUp", 0, 0], ["Home", 7, 0], ["End", 7, 29], ["PageDown", 5, 15],
  ["PageDown", 25, 29], ["PageUp", 15, 5], ["PageUp", 3, 0], ["Enter", 3, null], ["a", 3, null], ["ArrowLeft", 3, null],
])("%s leads from row %i to %j", (key, from, to) => expect(rowAfter(key, from, 30)).toBe(to));
