/** The simulation itself: that it repeats, that it is right about the present code, and that every guard of the protocol has its mutant. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FAULT_KINDS } from "../../lib/simulation/fault-kinds.ts";
import { GUARDS } from "../../lib/simulation/guards.ts";
import { NOT_REACHED } from "../../lib/simulation/not-reached.ts";
import { rulesOf } from "../../lib/state-log/decisions.ts";
import { checkGuards } from "../../tools/simulate/check-guards.ts";
import { gapsOf } from "../../tools/simulate/describe.ts";
import { runSeeds } from "../../tools/simulate/run-seeds.ts";

const PRESENT = { patches: [], untilBroken: false, countsBlocks: false };

const sourceOf = (file: string) => readFileSync(new URL(`../../lib/${file}`, import.meta.url), "utf8");

test("a seed gives the same run each time, on any thread", { timeout: 240_000 }, async () => {
  const one = await runSeeds({ ...PRESENT, from: 1, seeds: 40 }, 1);
  const two = await runSeeds({ ...PRESENT, from: 1, seeds: 40 }, 2);
  expect(one.broken).toEqual([]);
  expect(one.done).toBe(40);
  expect(Object.fromEntries([...two.counts].sort())).toEqual(Object.fromEntries([...one.counts].sort()));
  expect(one.counts.get("invocations")).toBeGreaterThan(400);
});

test.each([
  ["put condition, first lap", /^L2: entry/],
  // Nothing is lost where somebody else settles it; the witness alone tells.
  ["success only after emission", /^L5: .* succeeded with offset \d+, although not all of \d+ was sent/],
])(
  "the guard %s is noticed to be missing, with the seed that repeats it",
  { timeout: 240_000 },
  async (only, noticed) => {
    const told: string[] = [];
    const checks = await checkGuards({ from: 1, seeds: 200, workers: 1, only }, ({ guard }) => told.push(guard.name));
    expect(told).toEqual([only]);
    expect(checks[0]?.seeds).toBeLessThan(200);
    expect(checks[0]?.noticed).toMatch(noticed);
  },
);

test("what was not covered is a gap", () => {
  const counts = new Map([
    ...Object.keys(FAULT_KINDS).map((kind) => [`fault: ${kind}`, 1] as const),
    ["call: Kafka Fetch", 300],
    ["call: Kafka Seldom", 3],
    ["crash-before: Kafka Fetch", 1],
    ["crash-during: Kafka Fetch", 1],
  ] as const);
  const unrun = [
    { file: "runtime/task.ts", line: 7, text: "return 7;" },
    { file: "runtime/task.ts", line: 8, text: "return 8;" },
  ];
  const known = [{ file: "runtime/task.ts", text: "return 7", why: "the test says so" }];
  expect(gapsOf({ done: 1, broken: [], counts: new Map(counts), unrun }, known)).toEqual([
    "crash-after of Kafka Fetch never happened",
    "lib/runtime/task.ts:8 was never run: return 8;",
  ]);
  expect(gapsOf({ done: 1, broken: [], counts: new Map(), unrun: [] }, [])).toContain(
    "the fault throttled never happened",
  );
});

describe("guards are data", () => {
  test.each(GUARDS.map((guard) => [guard.name, guard] as const))(
    "%s: its text stands where the list says",
    (_, guard) => {
      expect(guard.patches.length).toBeGreaterThan(0);
      for (const { file, find } of guard.patches) expect(sourceOf(file).split(find).length - 1).toBe(1);
    },
  );

  test("every rule of the state log has one", () => {
    const found = GUARDS.flatMap(({ patches }) => patches.map(({ find }) => find)).join("\n");
    const missing = Object.keys(rulesOf(2)).filter((rule) => !RULES_BY_OTHERS.has(rule) && !found.includes(`${rule}:`));
    expect(missing).toEqual([]);
  });

  test("every invariant has one", () => {
    const page = sourceOf("../ARCHITECTURE.md");
    const rows = [...page.matchAll(/^\| ((?:[LO]\d(?:, )?)+) \|/gm)];
    const invariants = rows.flatMap(([, names]) => (names as string).split(", "));
    expect(invariants).toHaveLength(14);
    const held = new Set(GUARDS.flatMap(({ invariant }) => invariant.split(", ")));
    expect(invariants.filter((name) => !held.has(name))).toEqual(INVARIANTS_WITHOUT_A_PLACE);
  });

  test("every block that is excused stands where the list says", () => {
    for (const { file, text, why } of NOT_REACHED) {
      expect(sourceOf(file)).toContain(text);
      expect(why).not.toBe("");
    }
  });
});

/** Parts of other rules: a slot's number, what the put condition asks, which is DynamoDB's to check, and what is patched line by line. */
const RULES_BY_OTHERS = new Set([
  "slots",
  "slotOf",
  "requiredInSlot",
  "slotAccepts",
  "coversOverwritten",
  "isPossibleBase",
]);
/** O4: the partition is stored with the output, and nothing decides it twice; the witness compares it. */
const INVARIANTS_WITHOUT_A_PLACE: readonly string[] = ["O4"];
