/** When a Streamlit component leaves the page. */

const calls = new WeakMap<object, number>();

/**
 * What a component returns to Streamlit, to be called when it leaves its place. Streamlit also takes back a call that
 * still loads while a script run makes the next one: that one is there for the same place, and stays.
 */
export function leaving(place: object, leave: () => void): () => void {
  const call = (calls.get(place) ?? 0) + 1;
  calls.set(place, call);
  return () => {
    if (calls.get(place) === call) leave();
  };
}
