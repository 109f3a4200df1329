/** The database file of the embedded runtime: whose it is, how it is written, and a sentence for each way in which it fails. */

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, test } from "vitest";
import { DATABASE_VERSION, openDatabase, runOnDatabase, runTransaction } from "../../lib/state-log/sqlite-database.ts";
import { SqliteStateLog } from "../../lib/state-log/sqlite-state-log.ts";
import { append } from "../../lib/state-log/workflow.ts";
import { entry, newTask, utf8 } from "./entries.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-database-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = () => join(folder, `${(files += 1)}.sqlite`);
const refusal = (sentence: RegExp) =>
  expect.objectContaining({ code: "state-unusable", message: expect.stringMatching(sentence) });

test("a new file gets a write-ahead log that is not synced at each commit", () => {
  const database = openDatabase(newFile());
  expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 1 });
  expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: DATABASE_VERSION });
  database.close();
});

test("a file is opened again and by several at once", () => {
  const file = newFile();
  for (const database of [openDatabase(file), openDatabase(file), openDatabase(file)]) database.close();
});

test("a file of a newer version is refused and left alone", () => {
  const file = newFile();
  openDatabase(file).close();
  const newer = new DatabaseSync(file);
  newer.exec(`PRAGMA user_version = ${DATABASE_VERSION + 1}`);
  newer.close();
  expect(() => openDatabase(file)).toThrow(refusal(/newer version of Millrace .*Run that version/));
});

test("another program's database is refused and left alone", () => {
  const file = newFile();
  const other = new DatabaseSync(file);
  other.exec("CREATE TABLE accounts (id INTEGER)");
  other.close();
  expect(() => openDatabase(file)).toThrow(refusal(/another program/));
  const again = new DatabaseSync(file);
  expect(again.prepare("PRAGMA user_version").get()).toEqual({ user_version: 0 });
  expect(again.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "delete" });
  again.close();
});

test("what is no database, and a path that is none, are refused", () => {
  const text = newFile();
  writeFileSync(text, "not a database ".repeat(100));
  expect(() => openDatabase(text)).toThrow(refusal(/is not a database/));
  expect(() => openDatabase(join(folder, "missing", "a.sqlite"))).toThrow(refusal(/cannot be opened/));
  expect(() => openDatabase(folder)).toThrow(refusal(/cannot be opened/));
});

test("a damaged file is said to be damaged", async () => {
  const file = newFile();
  const database = openDatabase(file);
  const log = new SqliteStateLog(database);
  const task = newTask();
  for (let n = 1; n <= 20; n += 1) await append(log, task, entry(n, { changes: utf8("c".repeat(50_000)) }));
  database.close();
  truncateSync(file, 60_000);
  expect(() => openDatabase(file)).toThrow(refusal(/is damaged/));
});

test("a file that another process holds is said to be locked", async () => {
  const file = newFile();
  const holder = openDatabase(file);
  const log = new SqliteStateLog(openDatabase(file, { busyTimeoutMs: 1 }));
  holder.exec("BEGIN IMMEDIATE");
  expect(() => openDatabase(file, { busyTimeoutMs: 1 })).toThrow(refusal(/is locked by another process/));
  const put = log.putEntry(newTask(), entry(1));
  await expect(put).rejects.toMatchObject({ code: "state-store", message: expect.stringContaining("is locked") });
  holder.exec("COMMIT");
  expect(await log.putEntry(newTask(), entry(1))).toEqual({ kind: "stored" });
  holder.close();
});

test("L3: on a full disk nothing is stored by half, and it goes on when there is room", async () => {
  const database = openDatabase(newFile());
  const log = new SqliteStateLog(database);
  const task = newTask();
  await append(log, task, entry(1));
  const { max_page_count: pagesMax } = database.prepare("PRAGMA max_page_count").get() as { max_page_count: number };
  database.exec("PRAGMA max_page_count = 20");
  const large = entry(2, { changes: new Uint8Array(1_000_000) });
  const full = { code: "state-store", message: expect.stringMatching(/is full\. Free some space/) };
  await expect(append(log, task, large)).rejects.toMatchObject(full);
  await expect(log.putChunk(task, { range: "0-0", asOf: 1, bytes: large.changes })).rejects.toMatchObject(full);
  expect(await log.readEntries(task)).toEqual([entry(1)]);
  database.exec(`PRAGMA max_page_count = ${pagesMax}`);
  expect(await append(log, task, large)).toEqual({ kind: "won" });
  database.close();
});

test("a transaction that fails leaves nothing, and the next one works", () => {
  const database = openDatabase(":memory:");
  database.exec("CREATE TABLE t (a INTEGER)");
  const insert = database.prepare("INSERT INTO t VALUES (1)");
  const fail = () =>
    runTransaction(database, () => {
      insert.run();
      throw new RangeError("mine");
    });
  expect(fail).toThrow(RangeError);
  runTransaction(database, () => insert.run());
  expect(database.prepare("SELECT count(*) AS rows FROM t").get()).toEqual({ rows: 1 });
  database.close();
});

test("errors that are not SQLite's pass as they are, the others get the code of the port", () => {
  const database = openDatabase(":memory:");
  const bug = new TypeError("a bug");
  expect(() =>
    runOnDatabase(database, "kafka", () => {
      throw bug;
    }),
  ).toThrow(bug);
  const broken = () => runOnDatabase(database, "kafka", () => database.exec("SELECT * FROM absent"));
  expect(broken).toThrow(expect.objectContaining({ code: "kafka", message: expect.stringContaining("no such table") }));
  database.close();
});
