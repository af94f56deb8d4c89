/** The layer table beside the canvas: what is pointed at in it lights up there, and what is chosen is selected there. */

import { memo, useEffect, useRef, useState, type FocusEvent, type KeyboardEvent } from "react";
import { familyColor } from "../canvas/family";
import { guide, lamp, useLit } from "../canvas/lamp";
import { save } from "../canvas/picture";
import css from "./beside.css?inline";
import { CopyButton } from "./copy";
import { Trouble, useListing, Waiting, type Followed } from "./follow";
import { mounted } from "./mount";
import { csv, isAbout, rowAfter, shown, tabbed, type Column, type Row } from "./rows";
import tableCss from "./table.css?inline";

/** What is said of the table as a whole. */
interface About {
  /** Of the file that it is saved as. */
  name: string;
  label: string;
  /** What is said where it has no rows. */
  empty: string;
  columns: Column[];
}

interface TableData extends Followed {
  /** Paths of the selected nodes. */
  selected: string[];
}

interface TableProps {
  data: TableData;
  /** Tells the script of a row that nobody here could go to. */
  tellChosen: (path: string) => void;
}

function FollowedTable({ data, tellChosen }: TableProps) {
  const [listing, trouble] = useListing<About, Row>(data);
  if (!listing) return <Waiting what="The layer table" trouble={trouble} />;
  return <Table about={listing.about} rows={listing.items} selected={data.selected} trouble={trouble} tellChosen={tellChosen} />;
}

interface ShownProps extends Pick<TableProps, "tellChosen"> {
  about: About;
  rows: readonly Row[];
  selected: readonly string[];
  trouble: string | null;
}

function indexOf(target: EventTarget): number | null {
  const row = (target as Element).closest<HTMLElement>("tbody tr");
  return row ? Number(row.dataset["index"]) : null;
}

function Table({ about: { name, label, empty, columns }, rows, selected, trouble, tellChosen }: ShownProps) {
  const [active, setActive] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const rowAt = (index: number) => body.current?.rows[index];
  const reachable = Math.min(active, rows.length - 1);

  const isSelected = (row: Row) => selected.some((node) => isAbout(row, node));
  // Selected elsewhere: its row comes into sight inside the box, and the page stays where it is.
  useEffect(() => {
    const first = rows.findIndex(isSelected);
    if (first < 0) return;
    setActive(first);
    if (!body.current?.matches(":focus-within")) bringIntoSight(box.current, rowAt(first));
  }, [selected.join(" "), rows]);
  useEffect(() => () => lamp.dark("table"), []);

  const point = (target: EventTarget) => {
    const path = rows[indexOf(target) ?? -1]?.path;
    if (path) lamp.light("table", path);
    else lamp.dark("table");
  };
  const choose = (target: EventTarget) => {
    const path = rows[indexOf(target) ?? -1]?.path;
    if (path && !guide.lead(path)) tellChosen(path);
  };
  const focus = (event: FocusEvent) => {
    setActive(indexOf(event.target) ?? 0);
    point(event.target);
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = rowAfter(event.key, reachable, rows.length);
    if (to !== null) {
      rowAt(to)?.focus({ preventScroll: true });
      bringIntoSight(box.current, rowAt(to));
    } else if (event.key === "Enter" || event.key === " ") choose(event.target);
    else return;
    event.preventDefault();
  };

  return (
    <div className="frame">
      <div className="box" ref={box}>
        <table role="grid" aria-label={label}>
          <thead>
            <tr>{columns.map((column) => <Head key={column.name} column={column} />)}</tr>
          </thead>
          <tbody
            ref={body}
            onMouseOver={(event) => point(event.target)}
            onMouseLeave={() => lamp.dark("table")}
            onFocus={focus}
            onBlur={() => lamp.dark("table")}
            onKeyDown={press}
            onClick={(event) => choose(event.target)}
          >
            {rows.map((row, index) => (
              <TableRow key={index} row={row} columns={columns} index={index} isReachable={index === reachable} isSelected={isSelected(row)} />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p className="empty">{empty}</p>}
      </div>
      {rows.length > 0 && (
        <div className="foot">
          <span className="about">{rows.length === 1 ? "1 row" : `${rows.length} rows`}</span>
          <CopyButton label="Copy table" text={() => tabbed(columns, rows)} />
          <button type="button" onClick={() => save(new Blob([csv(columns, rows)], { type: "text/csv" }), `${name}.csv`)}>
            Download CSV
          </button>
        </div>
      )}
      <Trouble sentence={trouble} />
    </div>
  );
}

interface TableRowProps {
  row: Row;
  columns: readonly Column[];
  index: number;
  /** Whether the Tab key comes to it. */
  isReachable: boolean;
  isSelected: boolean;
}

const TableRow = memo(function TableRow({ row, columns, index, isReachable, isSelected }: TableRowProps) {
  const isLit = useLit("canvas", (node) => isAbout(row, node));
  const [name = null, ...cells] = row.cells;
  return (
    <tr className={isLit ? "is-lit" : ""} data-index={index} tabIndex={isReachable ? 0 : -1} aria-selected={isSelected}>
      <th scope="row" title={shown(name)}>
        {row.family && <span className="family" style={{ "--family": familyColor(row.family) }} />}
        {shown(name)}
      </th>
      {cells.map((cell, at) => (
        <td key={at} className={columns[at + 1]!.isWords ? "" : "is-number"}>{shown(cell)}</td>
      ))}
    </tr>
  );
});

/** The head of a column; what it means is told to the pointer by the browser, and to the keyboard here. */
function Head({ column: { name, help, isWords } }: { column: Column }) {
  const tip = useRef<HTMLDivElement>(null);
  const show = (event: FocusEvent<HTMLElement>) => {
    if (!event.currentTarget.matches(":focus-visible") || !tip.current) return;
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    tip.current.showPopover(); // above everything, so that the box does not cut it off
    tip.current.style.left = `${Math.min(left, innerWidth - tip.current.offsetWidth - 8)}px`;
    tip.current.style.top = `${bottom + 4}px`;
  };
  const className = isWords ? "" : "is-number";
  if (!help) return <th scope="col" className={className}>{name}</th>;
  return (
    <th scope="col" className={className} title={help} tabIndex={0} onFocus={show} onBlur={() => tip.current?.hidePopover()}>
      <span className="has-help">{name}</span>
      <div className="tip" popover="manual" ref={tip} aria-hidden="true">{help}</div>
    </th>
  );
}

/** Scroll the box, and nothing else, until a row is seen below the head. */
function bringIntoSight(box: HTMLElement | null, row: HTMLElement | undefined): void {
  if (!box || !row) return;
  const head = box.querySelector("thead")!.offsetHeight;
  const top = row.offsetTop - head;
  const bottom = row.offsetTop + row.offsetHeight - box.clientHeight;
  if (box.scrollTop > top) box.scrollTop = top;
  else if (box.scrollTop < bottom) box.scrollTop = bottom;
}

export const table = mounted<TableData>(css + tableCss, ({ data, setTriggerValue }) => (
  <FollowedTable data={data} tellChosen={(path) => setTriggerValue("chosen", path)} />
));
