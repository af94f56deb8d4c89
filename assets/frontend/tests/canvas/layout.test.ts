import { expect, test } from "vitest";
import { layout, LayoutCache, type Box, type Direction, type Link } from "../../src/canvas/layout";
import { drawnAt, keptOf } from "../../src/canvas/flow";
import { cornersOf } from "../../src/canvas/paths";
import { Position } from "@xyflow/react";
import type { Place } from "../../src/canvas/sheet";
import { ROOM } from "./sheets";

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
    const places = layout(boxes, links, direction, ROOM).places;
    expect(places.size).toBe(boxes.length);
    expect(overlaps(boxes, places)).toEqual([]);
  },
);

test("a short chain is one column, downwards", () => {
  const { boxes, links } = chainOf(8);
  const places = [...layout(boxes, links, "down", ROOM).places.values()];
  expect(new Set(places.map(([x]) => x)).size).toBe(1);
  places.slice(1).forEach(([, y], index) => expect(y).toBeGreaterThan(places[index]![1]));
});

test.each([["down", 0, 1], ["right", 1, 0]] as const)("a chain of 40 drawn %s is folded, each part beginning where the first does", (direction, across, along) => {
  const { boxes, links } = chainOf(40);
  const places = [...layout(boxes, links, direction, ROOM).places.values()];
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
  const places = layout(boxes, [...links, ...ladder], "down", ROOM).places;
  expect(overlaps(boxes, places)).toEqual([]);
  const columnOf = (id: string) => columns(places).filter((x) => x <= places.get(id)![0]).length;
  const top = boxes.filter(({ id }) => places.get(id)![1] === 0).map(({ id }) => Number(id.slice(1)));
  expect(columnOf("n39")).toBeGreaterThan(columnOf("n0"));
  for (const start of top) expect(start <= 9 || start > 13, `a column begins at n${start}`).toBe(true);
});

test("a node stands where a person has put it, and the others where they stood", () => {
  const { boxes, links } = chainOf(5);
  const cache = new LayoutCache();
  const before = cache.layout(boxes, links, "down", ROOM, new Map()).places;
  const after = cache.layout(boxes, links, "down", ROOM, new Map([["n2", [700, -40]]])).places;
  expect(after.get("n2")).toEqual([700, -40]);
  for (const id of ["n0", "n1", "n3", "n4"]) expect(after.get(id)).toEqual(before.get(id));
});

test("the same structure is laid out once, another one again", () => {
  const { boxes, links } = chainOf(5);
  const cache = new LayoutCache();
  const before = cache.layout(boxes, links, "down", ROOM, new Map()).places;
  const again = cache.layout([...boxes], [...links], "down", ROOM, new Map()).places;
  expect(again.get("n4")).toBe(before.get("n4"));
  const other = cache.layout(boxes, links.slice(0, 2), "down", ROOM, new Map()).places;
  expect(other.get("n4")).not.toEqual(before.get("n4"));
  expect(cache.layout(boxes, links, "right", ROOM, new Map()).places.get("n4")).not.toEqual(before.get("n4"));
});

test("an empty network has a layout", () => expect(layout([], [], "down", ROOM).places.size).toBe(0));

test("a connection that passes a node runs beside it, until a person has put one of its ends somewhere", () => {
  const boxes = ["in", "between", "sum"].map(box);
  const links = [{ source: "in", target: "between" }, { source: "between", target: "sum" }, { source: "in", target: "sum" }];
  const cache = new LayoutCache();
  const { places, routes } = cache.layout(boxes, links, "down", ROOM, new Map());
  expect([...routes.keys()]).toEqual(["in sum"]);
  const [left, top] = places.get("between")!;
  const course = routes.get("in sum")!;
  const beside = "points" in course ? course.points.filter(([, y]) => y >= top && y <= top + 56) : [];
  expect(beside.length).toBeGreaterThan(0);
  for (const [x] of beside) expect(x < left || x > left + 176, `${x} is beside ${left}`).toBe(true);
  expect(cache.layout(boxes, links, "down", ROOM, new Map([["sum", [0, 0]]])).routes.size).toBe(0);
});

/** Every straight piece of a connection that turns, between the middles of its ends. */
function pieces([from, to]: [Place, Place], turns: number[], direction: Direction): [Place, Place][] {
  const isDown = direction === "down";
  const ends = {
    sourceX: from[0] + (isDown ? 88 : 176), sourceY: from[1] + (isDown ? 56 : 28), targetX: to[0] + (isDown ? 88 : 0), targetY: to[1] + (isDown ? 0 : 28),
    sourcePosition: Position.Bottom, targetPosition: Position.Top,
  };
  const all: Place[] = [[ends.sourceX, ends.sourceY], ...cornersOf(ends, turns, direction), [ends.targetX, ends.targetY]];
  return all.slice(1).map((point, index) => [all[index]!, point]);
}

const unet = {
  boxes: ["image", "down1", "pool1", "down2", "pool2", "bottom", "up2", "join2", "back2", "up1", "join1", "back1", "scores"].map(box),
  links: ["image down1", "down1 pool1", "pool1 down2", "down2 pool2", "pool2 bottom", "bottom up2", "up2 join2", "down2 join2", "join2 back2", "back2 up1",
    "up1 join1", "down1 join1", "join1 back1", "back1 scores"].map((ends) => ({ source: ends.split(" ")[0]!, target: ends.split(" ")[1]! })),
};

/** Everything before is read again, as in a dense network: many connections go from column to column. */
function dense(count: number): { boxes: Box[]; links: Link[] } {
  const { boxes, links } = chainOf(count);
  for (let index = 0; index + 2 < count; index += 2) links.push({ source: `n${index}`, target: `n${count - 1}` });
  return { boxes, links };
}

test.each(DIRECTIONS.flatMap((direction) => [["a dense network", dense(40), direction], ["175 nodes", residual(175), direction], ["a U-Net", unet, direction], ["a chain", chainOf(60), direction]] as const))(
  "no connection of %s runs through a node", (_, { boxes, links }, direction) => {
    const { places, routes } = layout(boxes, links, direction, ROOM);
    expect([...routes.values()].filter((course) => "turns" in course).length).toBeGreaterThan(0);
    const through = [...routes].flatMap(([ends, course]) => {
      const [source, target] = ends.split(" ").map((id) => places.get(id)!) as [Place, Place];
      const lines = "turns" in course ? pieces([source, target], course.turns, direction) : course.points.map((point): [Place, Place] => [point, point]);
      const meets = lines.flatMap(([[x, y], [otherX, otherY]]) => boxes.filter(({ id, width, height }) => {
        const [left, top] = places.get(id)!;
        return Math.max(x, otherX) > left && Math.min(x, otherX) < left + width && Math.max(y, otherY) > top && Math.min(y, otherY) < top + height;
      }));
      return meets.map(({ id }) => `${ends} through ${id}`);
    });
    expect(through).toEqual([]);
  },
);

test("the way up of a U-Net stands beside the way down, each straight", () => {
  const places = layout(unet.boxes, unet.links, "down", ROOM).places;
  const columns = new Map<number, string[]>();
  for (const { id } of unet.boxes) columns.set(places.get(id)![0], [...(columns.get(places.get(id)![0]) ?? []), id]);
  const main = [...columns.values()].filter((ids) => ids.length > 1).flat();
  expect(new Set(main).size).toBeGreaterThan(10);
  expect(places.get("join1")![0]).toBeGreaterThan(places.get("down1")![0]);
});

test("a graph is folded to fit the room: not where it fits, and more where there is breadth for it", () => {
  const { boxes, links } = chainOf(16);
  const columns = (room: { width: number; height: number }) => new Set([...layout(boxes, links, "down", room).places.values()].map(([x]) => x)).size;
  expect(columns({ width: 300, height: 1600 })).toBe(1);
  expect(columns({ width: 760, height: 640 })).toBe(2);
  expect(columns({ width: 1600, height: 420 })).toBeGreaterThan(3);
});

test("a place is kept as of a graph that is drawn downwards", () => {
  const places: Place[] = [[0, 0], [416, 192], [-77, 1234]];
  for (const place of places) {
    expect(keptOf(place, "down")).toEqual(place);
    expect(keptOf(drawnAt(place, "right"), "right")).toEqual(place);
  }
  const [right, below] = [drawnAt([208, 0], "right"), drawnAt([0, 96], "right")];
  expect([right, below]).toEqual([[0, 88], [260, 0]]); // a neighbour stays one, and so does what comes next
});
