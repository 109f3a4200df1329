/** What a shuffle holds, as `topics read` shows it: bundles, those that were sent ahead of their commit, and their releases. */

import { expect, test } from "vitest";
import { showRecord, toJsonLine } from "../../lib/cli/show-record.ts";
import { ColumnBuilder } from "../../lib/state/value-encoding.ts";
import { encodeKey } from "../../lib/stream/key.ts";
import { encodeBundle } from "../../lib/wire/bundle.ts";
import { encodePrepared, encodeRelease } from "../../lib/wire/sent-ahead.ts";

const SHUFFLE = { kind: "shuffle", declared: undefined } as const;

const head = { task: "count-words/lines-0", generation: 0, number: 3, watermarkMs: 0, idle: false };
const values = new ColumnBuilder();
values.push("be");
const bundle = encodeBundle(head, [
  { kind: "elements", side: 0, keys: [encodeKey("be")], timestampsMs: [1_000], values },
]);

const record = (offset: number, value: Uint8Array) => ({
  partition: 1,
  offset,
  timestampMs: 1_000,
  key: null,
  value,
  headers: [],
});

test("a bundle that was sent ahead is shown with its elements, and says that it does not count yet", () => {
  const prepared = record(7, encodePrepared("attempt-1", bundle));
  const lines = showRecord(prepared, SHUFFLE).split("\n");
  expect(lines[0]).toMatch(
    /^1:7 +bundle 3 of count-words\/lines-0, .*, 1 element, sent ahead by attempt-1: it counts when it is released$/,
  );
  expect(lines).toHaveLength(2);
  expect(JSON.parse(toJsonLine(prepared, SHUFFLE))).toMatchObject({ offset: 7, sentAheadBy: "attempt-1", number: 3 });
});

test("a release says what it releases, and where that stands", () => {
  const release = { task: "count-words/lines-0", generation: 0, number: 3, attemptId: "attempt-1", offset: 7 };
  const released = record(9, encodeRelease(release));
  expect(showRecord(released, SHUFFLE)).toMatch(
    /^1:9 +release of bundle 3 of count-words\/lines-0 at offset 7, sent ahead by attempt-1$/,
  );
  expect(JSON.parse(toJsonLine(released, SHUFFLE))).toMatchObject({ offset: 9, release });
});

test("a bundle that went with its commit is shown as ever", () => {
  expect(showRecord(record(8, bundle), SHUFFLE).split("\n")[0]).toMatch(/, 1 element$/);
});
