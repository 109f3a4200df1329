/** What `npm run example` understands, and what it says of the rest. */

import { expect, test } from "vitest";
import { parseArguments } from "../../examples/arguments.ts";

const RUN = { kind: "run", name: "a", records: 20_000, seed: undefined, crash: 0, json: false, services: undefined };

test.each([
  [[], { kind: "list", json: false }],
  [["--list", "--json"], { kind: "list", json: true }],
  [["a"], RUN],
  [
    ["a", "--records", "100", "--seed=7", "--crash", "0.2", "--json"],
    { ...RUN, records: 100, seed: 7, crash: 0.2, json: true },
  ],
  [["a", "--produce", "--services"], { ...RUN, kind: "produce", services: {} }],
  [["a", "--help"], { kind: "help" }],
])("%j", (args, parsed) => {
  expect(parseArguments(args)).toEqual(parsed);
});

test.each([
  [["a", "b"], 'One example at a time: "a", or "b".'],
  [["a", "--records", "99"], '--records takes a whole number from 100 to 2000000, not "99".'],
  [["a", "--fast"], "Unknown option '--fast'; see `npm run example -- --help`."],
])("%j is refused", (args, sentence) => {
  expect(() => parseArguments(args)).toThrow(expect.objectContaining({ code: "usage", message: sentence }));
});
