/** Redrives as processes that are killed without warning, two at a time, beside a running application: every line is counted once. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { mend, writeBrokenApplication } from "./broken-application.ts";
import { TestTerminal } from "./test-terminal.ts";

const millrace = resolve(import.meta.dirname, "../../bin/millrace.js");
/** Of each kind. More than a batch, so that a redrive takes several commits. */
const LINES = 1_200;
const KINDS = ["good", "early", "behind", "copying"] as const;

let app = "";
const children: ChildProcess[] = [];
beforeEach(() => {
  app = mkdtempSync(join(tmpdir(), "millrace-killed-"));
  writeBrokenApplication(app);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(app, { recursive: true, force: true });
});

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [millrace, ...args], { cwd: app, stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.resume();
  children.push(child);
  return child;
}

async function run(...args: readonly string[]): Promise<string> {
  const terminal = new TestTerminal(app);
  expect(await main(args, terminal)).toBe(0);
  return terminal.output;
}

async function read(topic: string): Promise<unknown[]> {
  const lines = (await run("topics", "read", topic, "--from-beginning", "--json")).split("\n").filter(Boolean);
  const records = lines.map((line) => JSON.parse(line) as { headers: Record<string, string>; value: unknown });
  return [...new Map(records.map(({ headers, value }) => [headers["millrace-id"], value])).values()];
}

/** The counts that were written, one for each line that was counted. */
async function counts(): Promise<number[]> {
  return ((await read("counts")) as { count: number }[]).map(({ count }) => count);
}

const until = (check: () => Promise<boolean>) => expect.poll(check, { timeout: 40_000, interval: 250 }).toBe(true);

test("kill -9 again and again", async () => {
  const input = Array.from({ length: LINES * KINDS.length }, (_, i) => `${KINDS[i % 4]}-${i}\n`).join("");
  expect(await main(["topics", "produce", "lines"], new TestTerminal(app, input))).toBe(0);
  const running = start("run");
  const waiting = async () => JSON.parse(await run("dlq", "redrive", "--dry-run", "--json")).toRedrive as number;
  await until(async () => (await waiting()) === 3 * LINES);

  mend(app, "early", "behind", "copying");
  const left: number[] = [];
  for (let afterMs = 0; left.length < 12 && left.at(-1) !== 0; afterMs += 30) {
    const pair = [start("dlq", "redrive", "count"), start("dlq", "redrive")];
    // They say what they will do, and begin.
    await Promise.race(pair.map(({ stdout }) => once(stdout as Readable, "data")));
    await new Promise((resume) => setTimeout(resume, afterMs));
    for (const child of pair) child.kill("SIGKILL");
    await Promise.all(pair.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
    left.push(await waiting());
  }
  expect(
    left.some((n) => n > 0 && n < 3 * LINES),
    `one was killed half-way: ${left.join(", ")}`,
  ).toBe(true);
  for (let turn = 0; turn < 3; turn++) await run("dlq", "redrive");
  expect(await waiting()).toBe(0);

  await until(async () => Math.max(0, ...(await counts())) >= 4 * LINES);
  const results = await counts();
  const copies = (await read("copies")) as string[];
  expect({
    results: results.length,
    sums: new Set(results).size,
    copies: copies.length,
    distinct: new Set(copies).size,
  }).toEqual({
    results: 4 * LINES,
    sums: 4 * LINES,
    copies: 4 * LINES,
    distinct: 4 * LINES,
  });
  running.kill("SIGINT");
  await once(running, "exit");
}, 120_000);
