/** Python in colours, line by line. */

import hljs from "highlight.js/lib/core";
import python from "highlight.js/lib/languages/python";

hljs.registerLanguage("python", python);

/** The lines of a program as HTML in which everything but the colours' own elements is escaped. */
export function highlighted(program: string): string[] {
  return splitLines(hljs.highlight(program, { language: "python" }).value);
}

/** Elements that run over several lines are closed at the end of each and opened again in the next. */
export function splitLines(html: string): string[] {
  const open: string[] = [];
  return html.split("\n").map((line) => {
    const start = open.join("");
    for (const [tag] of line.matchAll(/<span[^>]*>|<\/span>/g)) {
      if (tag === "</span>") open.pop();
      else open.push(tag);
    }
    return start + line + "</span>".repeat(open.length);
  });
}

/** Line numbers in words: `12, 30-33`. */
export function ranges(lines: readonly number[]): string {
  const found: [number, number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last && line === last[1] + 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([start, end]) => (start === end ? `${start}` : `${start}-${end}`)).join(", ");
}
