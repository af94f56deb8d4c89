/** A list of the server's in a React component. */

import { useEffect, useRef, useState } from "react";
import { Follower, type Listing } from "./listing";

/** What a script run says of a list. */
export interface Followed {
  /** Where the routes are, relative to the page. */
  api: string;
  design: string;
  name: string;
  /** The revision that the page shows. */
  revision: number;
}

/**
 * The newest list, null until the first one is there, and what keeps it from coming. Another list of the same design
 * takes the place of this one when it has come.
 */
export function useListing<About, Item>({ api, design, name, revision }: Followed): [Listing<About, Item> | null, string | null] {
  const [shown, setShown] = useState<{ design: string; listing: Listing<About, Item> } | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const follower = useRef<Follower<About, Item>>(undefined);
  useEffect(() => {
    const address = new URL(`${api}/designs/${encodeURIComponent(design)}/beside/${name}`, document.baseURI);
    const own = new Follower<About, Item>(address, (listing) => setShown({ design, listing }), setTrouble);
    follower.current = own;
    return () => own.close();
  }, [api, design, name]);
  useEffect(() => follower.current?.want(revision), [api, design, name, revision]);
  return [shown?.design === design ? shown.listing : null, trouble];
}

/** In the place of a list that is on its way, or of which something is to be said. */
export function Waiting({ what, trouble }: { what: string; trouble: string | null }) {
  return (
    <div className="frame">
      <div className="box is-waiting" role="status" aria-busy={trouble === null}>
        <p className="empty">{trouble ?? `${what} is on its way.`}</p>
      </div>
    </div>
  );
}

/** What keeps a newer list from coming, under the one that is there. */
export function Trouble({ sentence }: { sentence: string | null }) {
  return sentence === null ? null : <span className="said" role="status">{sentence}</span>;
}
