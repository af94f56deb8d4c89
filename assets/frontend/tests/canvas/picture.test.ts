import { describe, expect, it } from "vitest";
import { Flow } from "../../src/canvas/flow";
import { pictureOf } from "../../src/canvas/picture";
import { level, node, ROOM } from "./sheets";

const NOBODY: ReadonlySet<string> = new Set();

function picture(change: Parameters<typeof level>[1] = {}, showsShape = false): string {
  const shown = level(
    [
      node("image", [], { family: "input", shapes: ["1 x 28 x 28"] }),
      node("conv", ["image"], { family: "convolution", title: "<b>first</b> & last", parameters: "156", about: "6, kernel 5" }),
      node("block", ["conv"], { block: true, repeat: 3 }),
    ],
    change,
  );
  const flow = new Flow();
  const drawing = { room: ROOM, level: shown, direction: "down", gone: NOBODY } as const;
  const nodes = flow.nodes([], { ...drawing, moved: new Map() });
  const edges = flow.edges([], { ...drawing, showsShape, target: null });
  return pictureOf(shown.name, nodes, edges, (family) => (family === "convolution" ? "#d55e00" : "#888888"));
}

describe("a picture of the canvas", () => {
  it("draws every node with its numbers and its family's colour, and every connection", () => {
    const svg = picture();
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(svg).toContain("#d55e00");
    for (const words of ["image", "1 x 28 x 28", "156", "6, kernel 5", "× 3"]) expect(svg).toMatch(new RegExp(`[> ]${words}<`));
  });

  it("takes nothing that a person has written for markup", () => {
    const svg = picture();
    expect(svg).not.toContain("<b>");
    expect(svg).toContain("&#60;b&#62;first");
  });

  it("writes shapes on the connections where the canvas does", () => {
    expect(picture({}, false).match(/1 x 28 x 28/g)).toHaveLength(1);
    expect(picture({}, true).match(/1 x 28 x 28/g)).toHaveLength(2);
  });

  it("holds all that is drawn", () => {
    const svg = picture();
    const [, left, top, width, height] = /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg)!.map(Number);
    for (const [, x, y] of svg.matchAll(/<text x="(\S+)" y="(\S+)"/g)) {
      expect(Number(x)).toBeGreaterThan(left!);
      expect(Number(x)).toBeLessThan(left! + width!);
      expect(Number(y)).toBeGreaterThan(top!);
      expect(Number(y)).toBeLessThan(top! + height!);
    }
  });

  it("is empty for an empty network", () => {
    expect(pictureOf("", [], [], () => "")).toBe("");
  });
});
