import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Session } from "../../src/canvas/session";
import type { Level } from "../../src/canvas/sheet";
import { node, sheet } from "./sheets";

type Reply = Response | Error;

let session: Session | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  const page = { baseURI: "http://test/app/", visibilityState: "visible", addEventListener: () => undefined, removeEventListener: () => undefined };
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", page);
});

afterEach(() => {
  session?.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A session whose server answers these, then nothing new; `told` are the revisions that the script hears of. */
async function begin(...replies: Reply[]) {
  const sent: string[] = [];
  const told: number[] = [];
  const send = async (input: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    sent.push(`${init?.method} ${String(input)}`);
    const reply = replies.shift() ?? new Response(null, { status: 204 });
    if (reply instanceof Error) throw reply;
    return reply;
  };
  session = new Session({ design: "d", api: "api" }, "", (revision) => told.push(revision), send as typeof fetch);
  await vi.advanceTimersByTimeAsync(0);
  return { session, sent, told, replies };
}

const whole = () => Response.json(sheet(1, [node("a"), node("b", ["a"])]));
const ids = (level: Level | null) => level?.nodes.map(({ id }) => id);

test("all of the design is asked for at first, relative to the page, then what is new each second", async () => {
  const { session, sent } = await begin(whole());
  expect(ids(session.current().level)).toEqual(["a", "b"]);
  await vi.advanceTimersByTimeAsync(2_050);
  expect(sent).toEqual([
    "GET http://test/app/api/designs/d?at=", "GET http://test/app/api/designs/d?at=&since=1", "GET http://test/app/api/designs/d?at=&since=1",
  ]);
});

test("the answer to a change holds all that is new: the next question can wait for a second", async () => {
  const { session, sent } = await begin(whole(), Response.json(sheet(2, [node("a")], { base: 1 })));
  await vi.advanceTimersByTimeAsync(900);
  await session.edit([{ edit: "remove", node: "b", block: null }]);
  await vi.advanceTimersByTimeAsync(900);
  expect(sent).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(150);
  expect(sent.at(-1)).toBe("GET http://test/app/api/designs/d?at=&since=2");
});

test("a deleted node is away at once, and what a person is shown ahead ends with the answer", async () => {
  const { session } = await begin(whole());
  const done = session.edit([{ edit: "remove", node: "b", block: null }], { gone: ["b"] });
  expect([...session.current().gone]).toEqual(["b"]);
  await done;
  expect(session.current().gone.size).toBe(0);
});

test("a dragged node stands where it was put until the answer says so", async () => {
  const { session } = await begin(whole(), Response.json(sheet(2, [node("a", [], { place: [5, 6] })], { base: 1 })));
  const done = session.move(new Map([["a", [5, 6]]]));
  expect(session.current().moved.get("a")).toEqual([5, 6]);
  await done;
  expect([session.current().moved.size, session.current().level?.nodes[0]?.place]).toEqual([0, [5, 6]]);
});

test("a refusal is told in the server's words, and what is new is asked for", async () => {
  const refusal = Response.json({ problems: [{ severity: "error", title: "No", because: "It is needed." }] }, { status: 409 });
  const { session, sent, told } = await begin(whole(), refusal);
  await session.edit([{ edit: "remove", node: "b", block: null }]);
  await vi.advanceTimersByTimeAsync(0);
  expect(session.current().notice).toEqual({ title: "No", because: "It is needed.", isOutage: false });
  expect(sent.at(-1)).toBe("GET http://test/app/api/designs/d?at=&since=1");
  expect(told).toEqual([]);
});

test("the script hears of a change that the canvas has made, and of no other", async () => {
  const { session, told } = await begin(whole(), Response.json(sheet(2, [], { base: 1, gone: ["b"] })), Response.json(sheet(3, [node("c")], { base: 2 })));
  await session.edit([{ edit: "remove", node: "b", block: null }]);
  expect(ids(session.current().level)).toEqual(["a"]);
  expect(told).toEqual([2]);
  await vi.advanceTimersByTimeAsync(1_050);
  expect(ids(session.current().level)).toEqual(["a", "c"]);
  expect(told).toEqual([2]);
});

test("changes to a revision that is not held make it ask for all, and what is held stays meanwhile", async () => {
  const { session, sent } = await begin(whole(), Response.json(sheet(9, [], { base: 8 })), Response.json(sheet(9, [node("a")])));
  const before = session.current().level!.nodes[0];
  await vi.advanceTimersByTimeAsync(1_050);
  expect(sent.at(-1)).toBe("GET http://test/app/api/designs/d?at=");
  expect(ids(session.current().level)).toEqual(["a"]);
  expect(session.current().level!.nodes[0]).toBe(before);
});

test("a lost server is told until it answers again, and the network stays", async () => {
  const { session, sent } = await begin(whole(), new TypeError("offline"), new TypeError("offline"));
  await session.edit([{ edit: "remove", node: "b", block: null }], { gone: ["b"] });
  await vi.advanceTimersByTimeAsync(0);
  const { notice, level, gone } = session.current();
  expect(`${notice?.title} ${notice?.because}`).toBe("The server does not answer. Your last change was not saved; trying again.");
  expect([ids(level), gone.size]).toEqual([["a", "b"], 0]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(session.current().notice).toBeNull();
  expect(sent.at(-1)).toContain("since=1");
});

const unknown = () => Response.json({ problems: [] }, { status: 409 });

test("a design that is gone is said so, and asked for less and less often", async () => {
  const { session, sent } = await begin(whole(), ...Array.from({ length: 20 }, unknown));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(session.current().notice?.title).toBe("This design is not here any more");
  expect(ids(session.current().level)).toEqual(["a", "b"]);
  expect(sent.length).toBeLessThan(9);
});

test("what the server says of a design that it cannot read is shown", async () => {
  const problems = [{ severity: "error", title: "There is no layer called Linar", because: "It may be misspelt." }];
  const { session } = await begin(whole(), Response.json({ problems }, { status: 409 }));
  await vi.advanceTimersByTimeAsync(1_500);
  expect(session.current().notice).toEqual({ title: "There is no layer called Linar", because: "It may be misspelt.", isOutage: true });
  expect(ids(session.current().level)).toEqual(["a", "b"]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(session.current().notice).toBeNull();
});

test.each([["404", () => new Response("", { status: 404 })], ["409", unknown]])("a block that is gone (%s) leads to the level above", async (_, gone) => {
  const { session } = await begin(whole(), gone(), whole());
  session.go("b");
  expect(session.current().level).toBeNull();
  await vi.advanceTimersByTimeAsync(0);
  expect(session.current().at).toBe("");
  expect(ids(session.current().level)).toEqual(["a", "b"]);
});

test("changes that wait when the canvas goes are made on top of each other all the same", async () => {
  const bases: number[] = [];
  const answers = [whole(), Response.json(sheet(2, [], { base: 1 })), Response.json(sheet(3, [], { base: 2 }))];
  const send = async (_: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    if (init?.method === "POST") bases.push((JSON.parse(String(init.body)) as { base: number }).base);
    return answers.shift()!;
  };
  session = new Session({ design: "d", api: "api" }, "", () => undefined, send as typeof fetch);
  await vi.advanceTimersByTimeAsync(0);
  const changes = [session.change("undo", {}), session.change("undo", {})];
  session.close();
  await Promise.all(changes);
  expect(bases).toEqual([1, 2]);
});

test("a request that takes long is shown, a short one is not", async () => {
  const { session } = await begin(whole());
  let isShown = false;
  session.subscribe(() => (isShown ||= session.current().isBusy));
  await session.change("undo", {});
  await vi.advanceTimersByTimeAsync(400);
  expect(isShown).toBe(false);
});
