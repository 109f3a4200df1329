/** What `npm run nexmark` understands, and what it says of the rest. */

import { expect, test } from "vitest";
import { parseArguments } from "../../bench/nexmark/arguments.ts";
import { QUERIES } from "../../bench/nexmark/queries.ts";

const PRODUCE = {
  kind: "produce",
  events: 100_000,
  kafka: undefined,
  topic: "nexmark",
  partitions: 4,
  eventsPerSecond: 10_000,
  json: false,
};

test("without a name all queries are verified", () => {
  expect(parseArguments([])).toEqual({ kind: "verify", queries: QUERIES, events: 100_000, json: false });
});

test("queries are verified by name", () => {
  const parsed = parseArguments(["q5", "q7", "--events", "7", "--json"]);
  expect(parsed).toMatchObject({ kind: "verify", queries: [{ name: "q5" }, { name: "q7" }], events: 7, json: true });
});

test("events are written to a topic", () => {
  expect(parseArguments(["produce"])).toEqual(PRODUCE);
  expect(parseArguments(["produce", "--kafka", "a:1", "--topic", "t", "--partitions", "1", "--rate", "50"])).toEqual({
    ...PRODUCE,
    kafka: "a:1",
    topic: "t",
    partitions: 1,
    eventsPerSecond: 50,
  });
});

test.each([
  [["q99"], 'There is no query "q99"; there are q0, q1,'],
  [["--events", "0"], '--events takes a whole number from 1 to 5000000, not "0".'],
  [["--fast"], "Unknown option '--fast'; see `npm run nexmark -- --help`."],
])("%j is refused", (args, sentence) => {
  expect(() => parseArguments(args)).toThrow(
    expect.objectContaining({ code: "usage", message: expect.stringContaining(sentence) }),
  );
});
