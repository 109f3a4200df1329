/** `millrace dlq redrive` from end to end: over an application whose steps fail until a file says that they are mended. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { mend, writeBrokenApplication } from "./broken-application.ts";
import { TestTerminal } from "./test-terminal.ts";

let folder = "";
let app = "";
let apps = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-redrive-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  app = join(folder, `app${apps++}`);
  writeBrokenApplication(app);
});

async function run(args: readonly string[], input = "") {
  const terminal = new TestTerminal(app, input);
  const code = await main(args, terminal);
  return { code, output: terminal.output, errors: terminal.errors };
}

/** Writes lines and runs the application until it has said what it is to say; `during` while it still runs. */
async function process(input: string, counts: number, copies: number, during?: () => Promise<void>): Promise<void> {
  if (input !== "") await run(["topics", "produce", "lines"], input);
  const running = new TestTerminal(app);
  const following = [new TestTerminal(app), new TestTerminal(app)] as const;
  const ended = [
    main(["run"], running),
    ...["counts", "copies"].map((topic, i) =>
      main(["topics", "read", topic, "--from-beginning", "--follow", "--json"], following[i as 0 | 1]),
    ),
  ];
  await running.shows("Ctrl-C stops");
  await during?.();
  await following[0].showsLines(counts);
  await following[1].showsLines(copies);
  for (const terminal of [running, ...following]) terminal.interrupt();
  expect(await Promise.all(ended)).toEqual([0, 0, 0]);
}

/** What `count` and `copy` have written, each once. */
async function results(): Promise<{ count: number; copies: string[] }> {
  const read = async (topic: string) => {
    const { output } = await run(["topics", "read", topic, "--from-beginning", "--json"]);
    const records = output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    return [...new Map(records.map(({ headers, value }) => [headers["millrace-id"], value])).values()];
  };
  const counts = await read("counts");
  return { count: Math.max(...counts.map(({ count }) => count)), copies: (await read("copies")).sort() };
}

const INPUT = "good\nearly\nbehind\ncopying\n";

async function list(...args: string[]): Promise<Record<string, unknown>[]> {
  const { output } = await run(["dlq", "list", "--json", ...args]);
  return output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
}

test("what was mended is redriven once, by function and with filters, and the list says so", async () => {
  await process(INPUT, 2, 3);
  expect(await results()).toEqual({ count: 2, copies: ["behind", "early", "good"] });
  expect((await list()).map(({ functionName, reason, redriven }) => [functionName, reason, redriven]).sort()).toEqual([
    ["copy", "copying is broken", "no"],
    ["count", "early is broken", "no"],
    ["count--by-key", "behind is broken", "no"],
  ]);

  const dry = await run(["dlq", "redrive", "--dry-run"]);
  expect(dry).toEqual({
    code: 0,
    output: "To redrive: 3 dead letters, 1 of copy, 1 of count and 1 of count--by-key.\n",
    errors: "",
  });
  expect(JSON.parse((await run(["dlq", "redrive", "--dry-run", "--json"])).output)).toEqual({
    toRedrive: 3,
    redriven: 0,
    failedAgain: 0,
    redrivenBefore: 0,
    impossible: [],
  });

  // Nothing is mended: it fails again, and what it was before is done with.
  const again = await run(["dlq", "redrive", "count", "--reason", "/^EARLY/i"]);
  expect(again.output).toBe(
    "To redrive: 1 dead letter, 1 of count.\nRedriven: 0. Failed again, as new dead letters: 1.\n",
  );
  const early = await list("--reason", "early");
  expect(early.map(({ redriven }) => redriven)).toEqual(["failed again", "no"]);
  expect(early[1]?.successorOf).toBe(early[0]?.id);
  const shown = await run(["dlq", "show", "count", String(early[1]?.number)]);
  expect(shown.output).toMatch(
    /\nid +shop\/count\/lines-\d\/0:\d+:0\nagain +it was shop\/count.*\nredriven +not yet\n/,
  );
  expect((await run(["dlq", "list", "count"])).output).toMatch(/ again: early is broken\n/);

  mend(app, "early", "behind", "copying");
  for (const none of [
    ["--until", "2h"],
    ["--topic", "other"],
    ["--id", "count/lines-0/9:9:9"],
    ["--reason", "no such"],
  ])
    expect((await run(["dlq", "redrive", ...none])).output).toBe("No dead letters wait to be redriven.\n");
  const first = await run(["dlq", "redrive", "--since", "1h", "--id", String(early[1]?.id).replace("shop/", "")]);
  expect(first.output).toBe("To redrive: 1 dead letter, 1 of count.\nRedriven: 1.\n");
  const limited = await run(["dlq", "redrive", "--operator", "count", "--limit", "1"]);
  expect(limited.output).toBe("To redrive: 1 dead letter, 1 of count--by-key.\nRedriven before: 2.\nRedriven: 1.\n");
  expect(limited.errors).toBe("`millrace run` goes on with what they lead to.\n");
  const rest = await run(["dlq", "redrive", "--json"]);
  expect(JSON.parse(rest.output)).toEqual({ redriven: 1, failedAgain: 0, redrivenBefore: 3, impossible: [] });
  const nothing = await run(["dlq", "redrive"]);
  expect(nothing.output).toBe("No dead letters wait to be redriven.\nRedriven before: 4.\n");

  await process("", 4, 4);
  expect(await results()).toEqual({ count: 4, copies: ["behind", "copying", "early", "good"] });
}, 30_000);

test("a redrive beside `millrace run` is worked on at once", async () => {
  await process(INPUT, 2, 3);
  mend(app, "early", "behind", "copying");
  await process("more\n", 5, 5, async () => {
    expect((await run(["dlq", "redrive"])).output).toContain("Redriven: 3.\n");
  });
  expect(await results()).toEqual({ count: 5, copies: ["behind", "copying", "early", "good", "more"] });
}, 30_000);

test("what started over reads its input again, and its dead letters from before are left alone", async () => {
  await process(INPUT, 2, 3);
  mend(app, "early", "behind");
  expect((await run(["state", "reset", "count", "--yes"])).code).toBe(0);
  const { output } = await run(["dlq", "redrive", "count"]);
  expect(output).toBe(
    "No dead letters wait to be redriven.\n" +
      "Not possible: 1 dead letter, for count was reset since: as generation 1 it read its input again.\n" +
      "Not possible: 1 dead letter, for count--by-key was reset since: as generation 1 it read its input again.\n",
  );
  expect((await list("count")).map(({ redriven }) => redriven)).toEqual(["impossible", "impossible"]);
  await process("", 6, 3);
  expect((await results()).count).toBe(4);
}, 30_000);

test("a wrong call gets a sentence", async () => {
  const wrong = async (...args: string[]) => {
    const { code, errors } = await run(["dlq", "redrive", ...args]);
    return `${code} ${errors}`;
  };
  expect(await wrong("sum")).toBe('2 There is no operator "sum"; there are: copy and count.\n');
  expect(await wrong("count", "--operator", "copy")).toBe('2 Two operators are named, "count" and "copy": name one.\n');
  expect(await wrong("--since", "yesterday")).toMatch(/^2 .*It takes how long ago, like 30m, 2h or 7d, or a time/);
  expect(await wrong("--reason", "/(/")).toMatch(/^2 .*Invalid regular expression/);
  expect((await run(["dlq", "redrive", "count"])).output).toBe("No dead letters wait to be redriven.\n");
});
