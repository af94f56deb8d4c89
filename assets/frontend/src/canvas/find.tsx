/** Goes to a node by its name. */

import { useMemo, useState } from "react";
import { Chooser } from "./chooser";
import { familyColor } from "./family";
import type { SheetNode } from "./sheet";

interface FindProps {
  nodes: readonly SheetNode[];
  onFind: (id: string) => void;
  onClose: () => void;
}

export function Find({ nodes, onFind, onClose }: FindProps) {
  const [text, setText] = useState("");
  const choices = useMemo(() => {
    const wanted = text.toLowerCase().trim();
    const fits = (name: string) => name.toLowerCase().includes(wanted);
    return nodes
      .filter(({ id, title, type }) => fits(title) || fits(id) || fits(type))
      .map((node) => ({ key: node.id, group: "", content: <Found node={node} /> }));
  }, [nodes, text]);
  return (
    <Chooser
      label="Find a node"
      placeholder="Name or type of a node"
      text={text}
      choices={choices}
      hint="Enter goes there."
      empty="No node is called that."
      onText={setText}
      onChoose={onFind}
      onClose={onClose}
    />
  );
}

function Found({ node: { title, type, family } }: { node: SheetNode }) {
  return (
    <span className="entry" style={{ "--family": familyColor(family) }}>
      <span className="entry-name">{title}</span>
      {type !== title && <span className="entry-about">{type}</span>}
    </span>
  );
}
