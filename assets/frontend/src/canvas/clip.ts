/** Nodes on the system clipboard, as JSON text. What stands inside is the server's to check. */

export const CLIP_FORMAT = "layerlab.clip";

/** More text than this is no clip of ours; the server takes no more either way. */
const LONGEST = 4_000_000;

export type Clip = Record<string, unknown>;

/** The clip that a text is; null for any other text. */
export function parseClip(text: string): Clip | null {
  if (text.length > LONGEST || !text.includes(CLIP_FORMAT)) return null;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && (value as Clip)["format"] === CLIP_FORMAT ? (value as Clip) : null;
  } catch {
    return null;
  }
}

/** The text of a clip; the format is named even where the server left it out. */
export function clipText(clip: unknown): string {
  return JSON.stringify({ ...(clip as Clip), format: CLIP_FORMAT });
}

/** Put text on the clipboard, by permission or by a copy event of our own; false where neither works. */
export async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByEvent(text); // no HTTPS, or no permission
  }
}

function copyByEvent(text: string): boolean {
  let isDone = false;
  const give = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
    isDone = true;
  };
  document.addEventListener("copy", give, { capture: true });
  document.execCommand("copy");
  document.removeEventListener("copy", give, { capture: true });
  return isDone;
}
