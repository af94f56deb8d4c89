import { expect, test } from "vitest";
import { highlighted, ranges, splitLines } from "../../src/beside/highlight";

const bare = (html: string) => html.replace(/<[^>]*>/g, "").replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#x27;/g, "'").replace(/&amp;/g, "&");

const PROGRAM = `"""An experiment,
on two lines & more.
"""

class Network(nn.Module):
    def forward(self, x):
        return x < 2  # <b onclick="alert('x')">markup</b>
`;

test("the lines hold the program's text, whatever colours it", () => {
  expect(highlighted(PROGRAM).map(bare).join("\n")).toBe(PROGRAM);
});

test("each line is closed in itself", () => {
  const lines = highlighted(PROGRAM);
  for (const line of lines) expect(line.match(/<span/g)?.length ?? 0).toBe(line.match(/<\/span>/g)?.length ?? 0);
  expect(lines[1]).toBe('<span class="hljs-string">on two lines &amp; more.</span>');
});

test("markup in a program is text", () => {
  expect(highlighted(PROGRAM).join("")).not.toMatch(/<(?!\/?span)/);
});

test("keywords have a colour", () => {
  expect(highlighted("return 1")[0]).toContain('<span class="hljs-keyword">return</span>');
});

test("elements that lie in each other are opened again in their order", () => {
  expect(splitLines('<span class="a">1<span class="b">2\n3</span>4\n</span>5')).toEqual([
    '<span class="a">1<span class="b">2</span></span>',
    '<span class="a"><span class="b">3</span>4</span>',
    '<span class="a"></span>5',
  ]);
});

test.each([
  [[], ""], [[7], "7"], [[7, 8], "7-8"], [[7, 9, 10, 11, 40], "7, 9-11, 40"],
])("lines %j are told as %j", (lines, words) => expect(ranges(lines)).toBe(words));
