/** The state log in SQLite keeps the contract, in a file and in memory, and what was acknowledged survives kill -9. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { openDatabase } from "../../lib/state-log/sqlite-database.ts";
import { SqliteStateLog } from "../../lib/state-log/sqlite-state-log.ts";
import { append, openLog, readTail } from "../../lib/state-log/workflow.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";
import { appendUpTo, baseOf, entry, newTask, numbersOf, range } from "./entries.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-state-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KILLS = 3;
const ACKNOWLEDGED_BEFORE_KILL = 300;

for (const [title, fileOf] of [
  ["a file", (name: string) => join(folder, `${name}.sqlite`)],
  ["memory", () => ":memory:"],
] as const) {
  testStateLog(`the state log in SQLite, in ${title}`, async (name) => {
    const database = openDatabase(fileOf(name));
    const log = new SqliteStateLog(database);
    const close = async () => {
      await log.close();
      database.close();
    };
    return { log, close };
  });
}

test("L2: of two connections to one file one wins, and each sees the other's entry", async () => {
  const file = join(folder, "two.sqlite");
  const databases = [openDatabase(file), openDatabase(file)];
  const [here, there] = databases.map((database) => new SqliteStateLog(database)) as [SqliteStateLog, SqliteStateLog];
  const task = newTask();
  await appendUpTo(here, task, 40);
  const head = entry(40, { base: baseOf(40) });
  expect((await openLog(there, task)).head).toEqual(head);
  expect(await append(there, task, entry(41, { base: 32 }, "there"))).toEqual({ kind: "won" });
  const winner = entry(41, { base: 32 }, "there");
  expect(await append(here, task, entry(41, { base: 32 }, "here"))).toEqual({ kind: "lost", winner });
  expect(await readTail(here, task, head)).toEqual({ kind: "behind", entries: [winner] });
  for (const database of databases) database.close();
});

test("L7: a file of a version that knew no segments is read on", async () => {
  const database = openDatabase(":memory:");
  const before = new SqliteStateLog(database);
  const task = newTask();
  await appendUpTo(before, task, 40);
  database.exec("ALTER TABLE state_entries DROP COLUMN covered; UPDATE state_entries SET layout = 1");
  const log = new SqliteStateLog(database);
  const { head, entries } = await openLog(log, task);
  expect(head).toEqual(entry(40, { base: baseOf(40), layout: 1 }));
  expect(numbersOf(entries)).toEqual(range(baseOf(40) + 1, 40));
  await append(log, task, entry(41, { base: 32, covered: 31 }));
  expect(await log.readSlot(task, 41)).toEqual(entry(41, { base: 32, covered: 31 }));
  database.close();
});

test("closing the log leaves the database to whoever opened it; a closed database is a failure of the store", async () => {
  const database = openDatabase(":memory:");
  const log = new SqliteStateLog(database);
  await log.close();
  expect(await log.tasks()).toEqual([]);
  database.close();
  await expect(log.tasks()).rejects.toMatchObject({ code: "state-store" });
  await expect(append(log, newTask(), entry(1))).rejects.toMatchObject({ code: "state-store" });
});

test("L3: after kill -9 every acknowledged entry is there, and the log goes on", { timeout: 60_000 }, async () => {
  const file = join(folder, "killed.sqlite");
  const task = newTask();
  let last = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const acknowledged = await appendUntilKilled(file, task, ACKNOWLEDGED_BEFORE_KILL);
    expect(acknowledged).toEqual(range(last + 1, last + acknowledged.length));
    last += acknowledged.length;

    const database = openDatabase(file);
    const { head, entries, chunks } = await openLog(new SqliteStateLog(database), task);
    database.close();
    // At most one more than was heard of: the one whose acknowledgement died with the process.
    expect(head?.sequenceNumber).toBeGreaterThanOrEqual(last);
    last = head?.sequenceNumber ?? 0;
    expect(head).toEqual(entry(last, { base: baseOf(last) }));
    expect(numbersOf(entries)).toEqual(range(baseOf(last) + 1, last));
    expect(chunks.map(({ asOf }) => asOf)).toEqual([expect.toBeOneOf([baseOf(last), baseOf(last + 1)])]);
  }
});

/** Lets a process of its own append and print numbers, and kills it without warning. Returns what it printed. */
async function appendUntilKilled(file: string, task: string, atLeast: number): Promise<number[]> {
  const script = fileURLToPath(new URL("./append-until-killed.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, file, task], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(Number(line));
    if (acknowledged.length === atLeast) child.kill("SIGKILL");
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(atLeast);
  return acknowledged;
}
