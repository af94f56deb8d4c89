import { expect, test, vi } from "vitest";
import { Follower, spliced, type Listing, type Splice } from "../../src/beside/listing";
import { randomNumbers } from "../answers";

interface About {
  name: string;
  label: string;
}

test("splices are counted in the earlier list", () => {
  expect(spliced(["a", "b", "c", "d", "e"], [[0, 1, ["A"]], [2, 0, ["b2", "b3"]], [3, 2, ["D"]]])).toEqual(["A", "b", "b2", "b3", "c", "D"]);
  expect(spliced([], [[0, 0, ["a", "b"]]])).toEqual(["a", "b"]);
  expect(spliced(["a"], [])).toEqual(["a"]);
});

test("items that stay are the same objects", () => {
  const items = [{ cells: [1] }, { cells: [2] }];
  expect(spliced(items, [[1, 1, [{ cells: [3] }]]])[0]).toBe(items[0]);
});

/** A server that answers what it is told to, and remembers what it was asked for. */
function following(answers: (object | number | Error)[]) {
  const asked: string[] = [];
  const took: Listing<About, string>[] = [];
  const said: (string | null)[] = [];
  const send = async (input: URL | RequestInfo): Promise<Response> => {
    asked.push(new URL(String(input)).search);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const answer = answers.shift() ?? 204;
    if (answer instanceof Error) throw answer;
    if (answer === 409) return Response.json({ problems: [{ title: "There is no program yet" }] }, { status: 409 });
    return typeof answer === "number" ? new Response(null, { status: answer }) : Response.json(answer);
  };
  const address = new URL("http://test/api/designs/d/beside/program");
  const follower = new Follower<About, string>(address, (listing) => took.push(listing), (sentence) => said.push(sentence), send as typeof fetch);
  return { follower, asked, took, said };
}

const rest = () => new Promise((resolve) => setTimeout(resolve, 20));
const answer = (revision: number, base: number | null, about: Partial<About>, splices: Splice<string>[]) => ({ revision, base, about, splices });
const WHOLE = answer(1, null, { name: "n", label: "one" }, [[0, 0, ["a", "b"]]]);

test("the first time all of it is asked for, and then what is new", async () => {
  const { follower, asked, took, said } = following([WHOLE, answer(2, 1, { label: "two" }, [[1, 1, ["c"]]])]);
  follower.want(1);
  await rest();
  follower.want(2);
  await rest();
  expect(asked).toEqual(["", "?since=1"]);
  expect(took.at(-1)).toEqual({ revision: 2, about: { name: "n", label: "two" }, items: ["a", "c"] });
  expect(said).toEqual([null, null]);
});

test("a server that does not know what is held here sends all of it", async () => {
  const { follower, took } = following([WHOLE, answer(2, null, { name: "m", label: "two" }, [[0, 0, ["x"]]])]);
  follower.want(1);
  await rest();
  follower.want(2);
  await rest();
  expect(took.at(-1)).toEqual({ revision: 2, about: { name: "m", label: "two" }, items: ["x"] });
});

test("changes of a list that is not the one here are not taken", async () => {
  const { follower, asked, took } = following([WHOLE, answer(9, 8, {}, [[0, 1, []]]), answer(9, null, { name: "n", label: "nine" }, [[0, 0, ["z"]]])]);
  follower.want(1);
  await rest();
  follower.want(9);
  await rest();
  expect(asked).toEqual(["", "?since=1", ""]);
  expect(took.map(({ items }) => items)).toEqual([["a", "b"], ["z"]]);
});

test("one question at a time; what is wanted meanwhile is asked for then, once", async () => {
  const { follower, asked, took } = following([WHOLE, answer(4, 1, {}, [[0, 1, ["A"]]])]);
  for (const revision of [1, 2, 3, 4]) follower.want(revision);
  await rest();
  expect(asked).toEqual(["", "?since=1"]);
  expect(took.at(-1)!.items).toEqual(["A", "b"]);
});

test("where there is none, it is said why, until there is one", async () => {
  const { follower, said, took } = following([409, WHOLE]);
  follower.want(1);
  await rest();
  follower.want(2);
  await rest();
  expect(said).toEqual(["There is no program yet", null]);
  expect(took).toHaveLength(1);
});

test("a server that does not answer is asked again, and what is held stays", async () => {
  vi.useFakeTimers();
  const { follower, asked, took, said } = following([WHOLE, new Error("no network"), 503, answer(2, 1, {}, [[0, 2, []]])]);
  follower.want(1);
  await vi.advanceTimersByTimeAsync(10);
  follower.want(2);
  await vi.advanceTimersByTimeAsync(10);
  expect(took).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_300);
  expect(asked).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(900);
  expect(asked).toHaveLength(3); // less often by now
  await vi.advanceTimersByTimeAsync(1_700);
  expect(took.at(-1)!.items).toEqual([]);
  expect(said.at(-1)).toBeNull();
  expect(said[1]).toMatch(/does not answer/);
  vi.useRealTimers();
});

test("what has left the page asks no more", async () => {
  vi.useFakeTimers();
  const { follower, asked, took } = following([new Error("no network"), WHOLE]);
  follower.want(1);
  await vi.advanceTimersByTimeAsync(10);
  follower.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([asked.length, took.length]).toEqual([1, 0]);
  vi.useRealTimers();
});

test("random changes lead to the list that was meant", () => {
  const random = randomNumbers(7);
  const draw = (below: number) => Math.floor(random() * below);
  for (let round = 0; round < 200; round++) {
    const before = Array.from({ length: draw(12) }, () => `item ${draw(99)}`);
    const splices: Splice<string>[] = [];
    const after: string[] = [];
    let at = 0;
    while (at < before.length) {
      const gone = Math.min(draw(3), before.length - at);
      const come = Array.from({ length: draw(3) }, () => `new ${draw(99)}`);
      if (gone + come.length > 0) splices.push([at, gone, come]);
      after.push(...come, ...before.slice(at + gone, at + gone + 1));
      at += gone + 1;
    }
    expect(spliced(before, splices)).toEqual(after);
  }
});
