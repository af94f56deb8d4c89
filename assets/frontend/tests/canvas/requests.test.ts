import { expect, test } from "vitest";
import { Requests, type Answer, type Kind } from "../../src/canvas/requests";
import { sheet } from "./sheets";

interface Sent {
  method: string;
  url: string;
  body: Record<string, unknown>;
}

/** A server that answers what it is told to, and remembers what it was asked, with how many were on their way. */
function pair(answers: (Response | Error)[]) {
  const sent: Sent[] = [];
  const taken: { answer: Answer; at: string; kind: Kind }[] = [];
  let revision = 1;
  let open = 0;
  let most = 0;
  const send = async (input: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    most = Math.max(most, ++open);
    sent.push({ method: init!.method!, url: String(input), body: init?.body ? JSON.parse(String(init.body)) : {} });
    await new Promise((resolve) => setTimeout(resolve, 1));
    open -= 1;
    const answer = answers.shift() ?? new Response(null, { status: 204 });
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const holder = {
    revision: () => revision,
    since: (at: string) => (at === "" ? revision : null),
    take: (answer: Answer, at: string, kind: Kind) => {
      taken.push({ answer, at, kind });
      if (answer.kind === "sheet") revision = answer.sheet.revision;
    },
  };
  const requests = new Requests((path) => new URL(`http://test/api/designs/d${path}`), holder, send as typeof fetch);
  return { requests, sent, taken, most: () => most };
}

const answered = (revision: number) => Response.json(sheet(revision, [], { base: revision - 1 }));
const edit = (node: string) => ({ kind: "edits" as const, at: "", body: { edits: [{ edit: "remove", node, block: null }] } });

test("changes go one at a time, in order, each on top of the newest revision", async () => {
  const { requests, sent, most } = pair([answered(2), answered(3), answered(4)]);
  await Promise.all(["a", "b", "c"].map((id) => requests.change(edit(id))));
  expect(sent.map(({ body }) => body["base"])).toEqual([1, 2, 3]);
  expect(sent.map(({ body }) => (body["edits"] as { node: string }[])[0]!.node)).toEqual(["a", "b", "c"]);
  expect(sent.every(({ method, url }) => method === "POST" && url === "http://test/api/designs/d/edits")).toBe(true);
  expect(most()).toBe(1);
});

test("what is new is asked for behind the changes, once", async () => {
  const { requests, sent } = pair([answered(2)]);
  await Promise.all([requests.change(edit("a")), requests.refresh(() => ""), requests.refresh(() => "")]);
  expect(sent.map(({ method, url }) => `${method} ${url.split("/d").pop()}`)).toEqual(["POST /edits", "GET ?at=&since=2"]);
});

test("a level that is not held is asked for whole", async () => {
  const { requests, sent, taken } = pair([]);
  const answer = await requests.refresh(() => "a.b");
  expect(sent[0]!.url).toBe("http://test/api/designs/d?at=a.b");
  expect(answer).toEqual({ kind: "nothing" });
  expect(taken).toEqual([{ answer, at: "a.b", kind: "news" }]);
});

test("a refusal says why, and what waits goes on", async () => {
  const problem = { severity: "error", title: "It does not fit", because: "It is too large." };
  const { requests, sent } = pair([Response.json({ problems: [problem] }, { status: 409 }), answered(2)]);
  const [first, second] = await Promise.all([requests.change(edit("a")), requests.change(edit("b"))]);
  expect(first).toEqual({ kind: "refused", refusal: { problems: [problem] } });
  expect(second.kind).toBe("sheet");
  expect(sent.map(({ body }) => body["base"])).toEqual([1, 1]);
});

test.each([
  ["without a network", new TypeError("Failed to fetch"), null],
  ["of a server in trouble", new Response("", { status: 503 }), 503],
  ["of a server that knows nobody", new Response("", { status: 401 }), 401],
  ["that is no JSON", new Response("<html>"), null],
])("after an answer %s nothing that rests on the change is sent", async (_, answer, status) => {
  const { requests, sent, taken } = pair([answer]);
  const [first, second] = await Promise.all([requests.change(edit("a")), requests.change(edit("b"))]);
  expect([first, second]).toEqual([{ kind: "failed", status }, { kind: "failed", status: null }]);
  expect(sent.length).toBe(1);
  expect(taken.length).toBe(1); // a person is told once
  expect((await requests.change(edit("c"))).kind).toBe("nothing");
  expect(sent.length).toBe(2);
});

test("copying is no change: it names no revision, and gives a clip", async () => {
  const { requests, sent, taken } = pair([Response.json({ clip: { nodes: [] } })]);
  const answer = await requests.change({ kind: "copy", at: "a", body: { nodes: ["x"] } });
  expect(answer).toEqual({ kind: "clip", clip: { nodes: [] } });
  expect(sent[0]!.body).toEqual({ at: "a", nodes: ["x"] });
  expect(taken[0]!.kind).toBe("copy");
});
