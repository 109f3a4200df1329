/** How a task's meta lies in its entry's item. */

import { expect, test } from "vitest";
import { encodeMeta, newMeta } from "../../lib/runtime/task-meta.ts";
import { fromEntryItem, itemBytesOf, toEntryItem } from "../../lib/state-log/dynamodb-items.ts";
import { packMeta, unpackMeta } from "../../lib/state-log/pack-meta.ts";
import { LAYOUT } from "../../lib/state-log/state-log.ts";
import { compress } from "../../lib/wire/compress.ts";

const META =
  '{"checkpoint":7,"newestMs":[1700000000099],"watermarkMs":1699999999098,"nowMs":1795399482269,"activeAtMs":1795399482269,"idle":false,"announcedMs":1699999999001,"upstream":[],"seen":[],"bundles":[["count-words--by-key",[3,4]]],"totals":{"elements":20,"late":0,"nullKeys":0,"deadLetters":0,"future":0,"duplicates":0,"windowsClosed":0,"records":8,"outputs":2}}';

test.each(["", "{}", META, JSON.stringify({ upstream: Array.from({ length: 500 }, (_, i) => [`Straße-${i}`, i]) })])(
  "what is packed comes back: %#",
  (meta) => {
    expect(unpackMeta(packMeta(meta))).toBe(meta);
  },
);

test("what the first version packed is read for ever", () => {
  const packed =
    "AkMNOnOUkDM0N4ABS0uMMDSzhAIDSwuk4LQ0Nba0NLEwMjKzRA9ZFCk8IYsw2cAQJZBxBis4IeiWgzyIFMLGOiY4w9iItoFsgRTIRrW1AA==";
  expect(unpackMeta(Buffer.from(packed, "base64"))).toBe(META);
});

test("so is what was kept before there was this way, and what a later version packs is refused", () => {
  const entry = entryOf(META);
  const { item } = toEntryItem("task", 1, entry);
  expect(fromEntryItem({ ...item, meta: { S: META } }).entry.meta).toBe(META);
  expect(fromEntryItem({ ...item, meta: { B: compress(Buffer.from(META)) } }).entry.meta).toBe(META);
  expect(() => fromEntryItem({ ...item, meta: { B: Buffer.from([3, 1]) } })).toThrow(/begin with 3/);
});

test("a small commit behind a shuffle of eight partitions takes one write unit", () => {
  const upstream = Array.from({ length: 8 }, (_, partition) => `count-by-user/plain-views-${partition}`);
  const meta = newMeta(upstream, 1);
  for (const [i, position] of [...meta.upstream.values()].entries())
    Object.assign(position, { number: 1_000 + i, watermarkMs: 1_799_999_999_000 + i, idle: false });
  Object.assign(meta, { checkpoint: 123_456, nowMs: 1_799_999_999_999, watermarkMs: 1_799_999_999_000 });
  const text = encodeMeta(meta);
  const { item } = toEntryItem("lines-prod/count-by-user--by-key/count-by-user--by-key-3/0", 17, entryOf(text));
  expect(text.length).toBeGreaterThan(700);
  // The key and the changed counts of fifty users need the rest.
  expect(itemBytesOf(item) + 350).toBeLessThan(1_024);
});

function entryOf(meta: string) {
  return {
    sequenceNumber: 4_711,
    attemptId: "0190a1b2c3d4e5f60718293a4b5c6d7e",
    previousAttemptId: "0190a1b2c3d4e5f60718293a4b5c6d7f",
    base: 4_700,
    covered: 4_700,
    layout: LAYOUT,
    selfContained: false,
    meta,
    changes: new Uint8Array(0),
    outputs: new Uint8Array(0),
    wakeAtMs: null,
  };
}
