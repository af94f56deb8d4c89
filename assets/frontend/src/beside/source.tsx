/** The PyTorch program, with the lines of the selected nodes marked. */

import { useEffect, useMemo, useRef } from "react";
import css from "./beside.css?inline";
import { CopyButton } from "./copy";
import { Trouble, useListing, Waiting, type Followed } from "./follow";
import { highlighted, ranges } from "./highlight";
import { mounted } from "./mount";
import sourceCss from "./source.css?inline";

interface SourceData extends Omit<Followed, "name"> {
  /** Lines of the selected nodes, counted from 1, in order. */
  selected: number[];
}

function Source(data: SourceData) {
  const [listing, trouble] = useListing<object, string>({ ...data, name: "program" });
  const shown = useRef<number[]>([]);
  if (!listing) return <Waiting what="The program" trouble={trouble} />;
  if (listing.revision === data.revision) shown.current = data.selected; // until then they are lines of another program
  return <Program items={listing.items} selected={shown.current} trouble={trouble} />;
}

interface ProgramProps {
  items: readonly string[];
  selected: readonly number[];
  trouble: string | null;
}

function Program({ items, selected, trouble }: ProgramProps) {
  const text = items.join("\n");
  const lines = useMemo(() => highlighted(text.trimEnd()), [text]);
  const marked = new Set(selected);
  const box = useRef<HTMLPreElement>(null);

  // The first of them comes into sight inside the box, and the page stays where it is.
  useEffect(() => {
    const first = box.current?.querySelector<HTMLElement>(".is-selected");
    if (!box.current || !first) return;
    const isSeen = first.offsetTop >= box.current.scrollTop && first.offsetTop + first.offsetHeight <= box.current.scrollTop + box.current.clientHeight;
    if (!isSeen) box.current.scrollTop = first.offsetTop - box.current.clientHeight / 3;
  }, [text, selected.join(" ")]);

  return (
    <div className="frame">
      <pre className="box" ref={box} tabIndex={0} role="region" aria-label="PyTorch program">
        <code>
          {lines.map((html, index) => (
            <span
              key={index}
              className={marked.has(index + 1) ? "line is-selected" : "line"}
              aria-current={marked.has(index + 1) || undefined}
              dangerouslySetInnerHTML={{ __html: `${html}\n` }}
            />
          ))}
        </code>
      </pre>
      <div className="foot">
        <span className="about">{selected.length > 0 ? `Selected: ${selected.length > 1 ? "lines" : "line"} ${ranges(selected)}` : `${lines.length} lines`}</span>
        <Trouble sentence={trouble} />
        <CopyButton label="Copy program" text={() => text} />
      </div>
    </div>
  );
}

export const source = mounted<SourceData>(css + sourceCss, ({ data }) => <Source {...data} />);
