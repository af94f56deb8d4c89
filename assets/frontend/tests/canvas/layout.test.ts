import { expect, test } from "vitest";
import { layout, LayoutCache, type Box, type Direction, type Link } from "../../src/canvas/layout";
import type { Place } from "../../src/canvas/sheet";

const box = (id: string): Box => ({ id, width: 176, height: 56 });

function chainOf(count: number): { boxes: Box[]; links: Link[] } {
  const boxes = Array.from({ length: count }, (_, index) => box(`n${index}`));
  return { boxes, links: boxes.slice(1).map(({ id }, index) => ({ source: `n${index}`, target: id })) };
}

/** Residual blocks of three with a way around, as a large network has them. */
function residual(count: number): { boxes: Box[]; links: Link[] } {
  const { boxes, links } = chainOf(count);
  for (let index = 0; index + 3 < count; index += 3) links.push({ source: `n${index}`, target: `n${index + 3}` });
  return { boxes, links };
}

const diamond = {
  boxes: ["in", "left", "middle", "right", "sum"].map(box),
  links: ["left", "middle", "right"].flatMap((id) => [{ source: "in", target: id }, { source: id, target: "sum" }]),
};

function overlaps(boxes: Box[], places: Map<string, Place>): string[] {
  return boxes.flatMap((one, index) =>
    boxes.slice(index + 1).flatMap((other) => {
      const [[x, y], [otherX, otherY]] = [places.get(one.id)!, places.get(other.id)!];
      const isApart = x + one.width <= otherX || otherX + other.width <= x || y + one.height <= otherY || otherY + other.height <= y;
      return isApart ? [] : [`${one.id} ${other.id}`];
    }),
  );
}

const DIRECTIONS: Direction[] = ["down", "right"];
const GRAPHS = { "a chain of 60": chainOf(60), "a diamond": diamond, "175 nodes": residual(175), "no connections": { boxes: chainOf(30).boxes, links: [] } };

test.each(DIRECTIONS.flatMap((direction) => Object.keys(GRAPHS).map((name) => [name, direction] as const)))(
  "no two nodes of %s overlap, drawn %s",
  (name, direction) => {
    const { boxes, links } = GRAPHS[name as keyof typeof GRAPHS];
    const places = layout(boxes, links, direction).places;
    expect(places.size).toBe(boxes.length);
    expect(overlaps(boxes, places)).toEqual([]);
  },
);

test("a short chain is one column, downwards", () => {
  const { boxes, links } = chainOf(8);
  const places = [...layout(boxes, links, "down").places.values()];
  expect(new Set(places.map(([x]) => x)).size).toBe(1);
  places.slice(1).forEach(([, y], index) => expect(y).toBeGreaterThan(places[index]![1]));
});

test.each([["down", 0, 1], ["right", 1, 0]] as const)("a chain of 40 drawn %s is folded, each part beginning where the first does", (direction, across, along) => {
  const { boxes, links } = chainOf(40);
  const places = [...layout(boxes, links, direction).places.values()];
  const columns = new Map<number, Place[]>();
  for (const place of places) columns.set(place[across], [...(columns.get(place[across]) ?? []), place]);
  expect(columns.size).toBeGreaterThan(2);
  for (const column of columns.values()) {
    expect(column[0]![along]).toBe(places[0]![along]);
    column.slice(1).forEach((place, index) => expect(place[along]).toBeGreaterThan(column[index]![along]));
  }
  const extent = (axis: 0 | 1) => Math.max(...places.map((place) => place[axis])) - Math.min(...places.map((place) => place[axis]));
  expect(extent(0) / extent(1)).toBeGreaterThan(0.8);
  expect(extent(0) / extent(1)).toBeLessThan(3.5);
});

test("a fold goes where it cuts the fewest connections", () => {
  const { boxes, links } = chainOf(40);
  const ladder = [9, 10, 11, 12].map((from) => ({ source: `n${from}`, target: `n${from + 2}` })); // dense just where equal shares would be cut
  const columns = (places: Map<string, Place>) => [...new Set([...places.values()].map(([x]) => x))].sort((one, other) => one - other);
  const places = layout(boxes, [...links, ...ladder], "down").places;
  expect(overlaps(boxes, places)).toEqual([]);
  const columnOf = (id: string) => columns(places).filter((x) => x <= places.get(id)![0]).length;
  const top = boxes.filter(({ id }) => places.get(id)![1] === 0).map(({ id }) => Number(id.slice(1)));
  expect(columnOf("n39")).toBeGreaterThan(columnOf("n0"));
  for (const start of top) expect(start <= 9 || start > 13, `a column begins at n${start}`).toBe(true);
});

test("a node stands where a person has put it, and the others where they stood", () => {
  const { boxes, links } = chainOf(5);
  const cache = new LayoutCache();
  const before = cache.layout(boxes, links, "down", new Map()).places;
  const after = cache.layout(boxes, links, "down", new Map([["n2", [700, -40]]])).places;
  expect(after.get("n2")).toEqual([700, -40]);
  for (const id of ["n0", "n1", "n3", "n4"]) expect(after.get(id)).toEqual(before.get(id));
});

test("the same structure is laid out once, another one again", () => {
  const { boxes, links } = chainOf(5);
  const cache = new LayoutCache();
  const before = cache.layout(boxes, links, "down", new Map()).places;
  const again = cache.layout([...boxes], [...links], "down", new Map()).places;
  expect(again.get("n4")).toBe(before.get("n4"));
  const other = cache.layout(boxes, links.slice(0, 2), "down", new Map()).places;
  expect(other.get("n4")).not.toEqual(before.get("n4"));
  expect(cache.layout(boxes, links, "right", new Map()).places.get("n4")).not.toEqual(before.get("n4"));
});

test("an empty network has a layout", () => expect(layout([], [], "down").places.size).toBe(0));

test("a connection that passes a node runs beside it, until a person has put one of its ends somewhere", () => {
  const boxes = ["in", "between", "sum"].map(box);
  const links = [{ source: "in", target: "between" }, { source: "between", target: "sum" }, { source: "in", target: "sum" }];
  const cache = new LayoutCache();
  const { places, routes } = cache.layout(boxes, links, "down", new Map());
  expect([...routes.keys()]).toEqual(["in sum"]);
  const [left, top] = places.get("between")!;
  const beside = routes.get("in sum")!.filter(([, y]) => y >= top && y <= top + 56);
  expect(beside.length).toBeGreaterThan(0);
  for (const [x] of beside) expect(x < left || x > left + 176, `${x} is beside ${left}`).toBe(true);
  expect(cache.layout(boxes, links, "down", new Map([["sum", [0, 0]]])).routes.size).toBe(0);
});

test.each(DIRECTIONS)("no connection of 175 nodes runs through a node of its column, drawn %s", (direction) => {
  const { boxes, links } = residual(175);
  const { places, routes } = layout(boxes, links, direction);
  expect(routes.size).toBeGreaterThan(20);
  const isInside = ([x, y]: Place) => boxes.some(({ id, width, height }) => {
    const [left, top] = places.get(id)!;
    return x > left && x < left + width && y > top && y < top + height;
  });
  expect([...routes.values()].flat().filter(isInside)).toEqual([]);
});
