/** The outbox in a commit: what comes out of it is, byte by byte, what went in, and each record keeps its identity. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeOutbox, encodeOutbox, type OutboxBatch, toSend } from "../../lib/runtime/outbox.ts";
import { identityOf } from "../../lib/wire/identity.ts";
import { encodeRelease } from "../../lib/wire/sent-ahead.ts";

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const record = fc.record({
  key: bytes,
  value: bytes,
  timestampMs: fc.integer({ min: -1, max: 4_000_000_000_000 }),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 })), { maxLength: 3 }),
});
const batch: fc.Arbitrary<OutboxBatch> = fc.record({
  kind: fc.constantFrom("records" as const, "sealed" as const),
  topic: fc.stringMatching(/^[a-z-]{1,12}$/),
  partition: fc.nat(100),
  records: fc.array(record, { minLength: 1, maxLength: 6 }),
});
const batches = fc.array(batch, { maxLength: 5 });

/** Plain arrays of bytes, whatever view they were. */
const plain = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? { bytes: [...v] } : v)));

describe("an outbox", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(batches, (given) => {
        expect(plain(decodeOutbox(encodeOutbox(given)))).toEqual(plain(given));
      }),
    );
  });

  test("O2: is the same bytes when it is encoded again, and sends the same when it is decoded", () => {
    fc.assert(
      fc.property(batches, fc.nat(), (given, commit) => {
        const encoded = encodeOutbox(given);
        expect(encodeOutbox(decodeOutbox(encoded))).toEqual(encoded);
        const sent = toSend(given, "app/f/t-0/0", commit);
        expect(plain(toSend(decodeOutbox(encoded), "app/f/t-0/0", commit))).toEqual(plain(sent));
      }),
    );
  });

  test("of nothing is no bytes at all", () => {
    expect(encodeOutbox([])).toHaveLength(0);
    expect(decodeOutbox(new Uint8Array(0))).toEqual([]);
  });

  test("with releases for many partitions takes few bytes for each, and comes back as it was", () => {
    const given = Array.from({ length: 64 }, (_, partition): OutboxBatch => {
      const release = {
        task: "count-words/lines-3",
        generation: 0,
        number: 1_000 + partition,
        attemptId: "0f3a1c52-7d84-4d6f-9a59-6a2a3f2f1f10",
        offset: 123_456 + 77 * partition,
      };
      const record = { key: null, value: encodeRelease(release), timestampMs: 1_700_000_000_000, headers: [] };
      return { kind: "sealed", topic: "count-words--by-key", partition, records: [record] };
    });
    const encoded = encodeOutbox(given);
    expect(encoded.length).toBeLessThan(64 * 40);
    expect(plain(decodeOutbox(encoded))).toEqual(plain(given));
  });

  test("of a newer version is refused", () => {
    expect(() => decodeOutbox(new Uint8Array([9, 0, 0, 0, 0]))).toThrow(/version 9, this code knows 3/);
  });
});

describe("records on their way", () => {
  const one = {
    key: null,
    value: new Uint8Array([1]),
    timestampMs: 5,
    headers: [["trace", new Uint8Array([2])]],
  } as const;

  test("get identities that are counted through all batches, before the author's headers", () => {
    const sent = toSend(
      [
        { kind: "records", topic: "a", partition: 0, records: [one, one] },
        { kind: "sealed", topic: "s", partition: 0, records: [one] },
        { kind: "records", topic: "b", partition: 3, records: [one] },
      ],
      "app/f/t-0/2",
      17,
    );
    const identities = sent.map(({ records }) => records.map(({ headers }) => identityOf(headers)));
    const identity = (index: number) => ({ task: "app/f/t-0", generation: 2, sequenceNumber: 17, index });
    expect(identities).toEqual([[identity(0), identity(1)], [undefined], [identity(2)]]);
    expect(sent[0]?.records[0]?.headers.map(([name]) => name)).toEqual(["millrace-id", "trace"]);
  });
});
