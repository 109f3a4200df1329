/** What `npm start` understands, and what it says of the rest. */

import { expect, test } from "vitest";
import { parseArguments } from "../../demo/arguments.ts";

const RUN = { kind: "run", inputs: [], crash: 0, seed: undefined, json: false };

test.each([
  [[], RUN],
  [["a.md", "docs/**/*.md", "-"], { ...RUN, inputs: ["a.md", "docs/**/*.md", "-"] }],
  [["--crash", "0.2"], { ...RUN, crash: 0.2 }],
  [["--crash=0", "--seed=7", "--json"], { ...RUN, seed: 7, json: true }],
  [["--seed", "4294967295"], { ...RUN, seed: 4_294_967_295 }],
  [["--", "--strange-name"], { ...RUN, inputs: ["--strange-name"] }],
  [["--help", "--crash", "x"], { kind: "help" }],
  [["-h"], { kind: "help" }],
])("%j", (args, parsed) => {
  expect(parseArguments(args)).toEqual(parsed);
});

test.each([
  [["--crash", "1"], '--crash takes a number from 0 to 0.9, not "1".'],
  [["--crash", "often"], '--crash takes a number from 0 to 0.9, not "often".'],
  [["--crash", ""], '--crash takes a number from 0 to 0.9, not "".'],
  [["--seed", "1.5"], '--seed takes a whole number from 0 to 4294967295, not "1.5".'],
  [["--seed", "4294967296"], '--seed takes a whole number from 0 to 4294967295, not "4294967296".'],
  [["--fast"], "Unknown option '--fast'; see `npm start -- --help`."],
  [["--crash"], "Option '--crash <value>' argument missing; see `npm start -- --help`."],
])("%j is refused", (args, sentence) => {
  expect(() => parseArguments(args)).toThrow(expect.objectContaining({ code: "usage", message: sentence }));
});
