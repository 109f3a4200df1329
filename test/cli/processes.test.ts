/** `millrace run` as a process: killed without warning it loses nothing and repeats nothing, and Ctrl-C ends it in order. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { TestTerminal } from "./test-terminal.ts";

const root = resolve(import.meta.dirname, "../..");
const LINES = 12_000;
const WORDS = 97;

let folder = "";
let place: string[] = [];
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-process-"));
  place = ["--app", root, "--state", folder];
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("kill -9 again and again: every line is counted once", async () => {
  const lines = Array.from({ length: LINES }, (_, i) => `w${i % WORDS}\n`).join("");
  const producing = new TestTerminal(folder, lines);
  expect(await main(["topics", "produce", "lines", ...place, "--timestamp", "2026-01-01T00:00:00Z"], producing)).toBe(
    0,
  );

  for (const afterMs of [100, 200, 300, 500]) {
    const { child } = await startRun();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  const { child } = await startRun();
  const following = new TestTerminal(folder);
  const reading = ["topics", "read", "word-counts", ...place, "--from-beginning", "--follow", "--json"];
  const follow = main(reading, following);
  await following.showsLines(WORDS);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
  following.interrupt();
  expect(await follow).toBe(0);

  // A repeat would have the identity of the record that it repeats, and nobody else may have it.
  const records = following.output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const byIdentity = new Map(records.map((record) => [record.headers["millrace-id"], record.value]));
  const counts = new Map([...byIdentity.values()].map(({ word, count }) => [word, count]));
  expect(byIdentity.size).toBe(WORDS);
  expect(counts.size).toBe(WORDS);
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(LINES);
}, 30_000);

test("Ctrl-C stops in order, and says so", async () => {
  const { child, output } = await startRun();
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(output()).toMatch(/Stopping; Ctrl-C again stops at once\.\n/);
  expect(output()).toMatch(/Stopped\. The next run goes on from here\.\n/);
});

test("Ctrl-C stops a supervised process too, although its standard input stays open", async () => {
  const lines = new TestTerminal(folder, "one line\n");
  expect(await main(["topics", "produce", "lines", ...place], lines)).toBe(0);
  const { child } = await startRun(["--only", "count-words", "--supervised"], "count-words: 1 record");
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("what was compiled is kept for the next start", async () => {
  const env = { ...process.env, TMPDIR: folder, NODE_DISABLE_COMPILE_CACHE: undefined };
  const child = spawn(process.execPath, [join(root, "bin/millrace.js"), "--help"], { cwd: folder, env });
  children.push(child);
  expect(await once(child, "exit")).toEqual([0, null]);
  const kept = readdirSync(join(folder, "node-compile-cache"), { recursive: true });
  expect(kept.length).toBeGreaterThan(10);
});

/** Resolves when it has said what `shown` says. */
async function startRun(args: readonly string[] = [], shown = "Ctrl-C stops") {
  const child = spawn(process.execPath, [join(root, "bin/millrace.js"), "run", ...place, ...args], { cwd: folder });
  children.push(child);
  let output = "";
  const started = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk;
      if (output.includes(shown)) resolve();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("exit", () => reject(new Error(`It did not start: ${output}`)));
  });
  await started;
  return { child, output: () => output };
}
