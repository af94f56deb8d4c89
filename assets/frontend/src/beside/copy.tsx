/** Copying, and what is said of it. */

import { useEffect, useState } from "react";
import { writeClipboard } from "../canvas/clip";

/** In milliseconds: as long as it is said that something was copied. */
const SAID = 2_000;

/** A button that copies a text which is made when it is pressed, and says whether that worked. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), SAID);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => setSaid((await writeClipboard(text())) ? "Copied" : "This browser does not let it be copied");
  return (
    <>
      <span className="said" role="status">{said}</span>
      <button type="button" onClick={() => void copy()}>{label}</button>
    </>
  );
}
