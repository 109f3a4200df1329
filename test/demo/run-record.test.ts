/** Which run is gone on with, and which is not. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decideStart, readRunRecord, writeRunRecord } from "../../demo/run-record.ts";

const RECORD = { fingerprint: "f", seed: 5, baseMs: 3_600_000, finished: false };
const WANTED = { fingerprint: "f", seed: undefined, newSeed: 99 };

test.each([
  ["nothing was there", undefined, WANTED, { kind: "fresh", seed: 99, reason: undefined }],
  ["the last one was finished", { ...RECORD, finished: true }, WANTED, { kind: "fresh", seed: 99, reason: undefined }],
  ["it is the same", RECORD, WANTED, { kind: "resumed", record: RECORD }],
  ["it has the seed that is wanted", RECORD, { ...WANTED, seed: 5 }, { kind: "resumed", record: RECORD }],
  [
    "another seed is wanted",
    RECORD,
    { ...WANTED, seed: 6 },
    { kind: "fresh", seed: 6, reason: "An unfinished run had the seed 5; starting afresh." },
  ],
  [
    "the lines are others",
    RECORD,
    { ...WANTED, fingerprint: "g" },
    { kind: "fresh", seed: 99, reason: "An unfinished run had other lines; starting afresh." },
  ],
])("%s", (_name, found, wanted, start) => {
  expect(decideStart(found, wanted)).toEqual(start);
});

test("a record is read as it was written, and broken ones are none", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-run-"));
  try {
    expect(readRunRecord(folder)).toBeUndefined();
    writeRunRecord(folder, RECORD);
    expect(readRunRecord(folder)).toEqual(RECORD);
    for (const text of ["", "{", "null", "[]", '{"seed":1}']) {
      writeFileSync(join(folder, "run.json"), text);
      expect(readRunRecord(folder), text).toBeUndefined();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
