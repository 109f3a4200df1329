/**
 * What does not fit into an item, in every DynamoDB: parts of entries and chunks, when they are taken away, and readers who are overtaken meanwhile.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Key } from "../../lib/state-log/dynamodb-client.ts";
import { PART_BYTES } from "../../lib/state-log/dynamodb-parts.ts";
import type { DynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { RING_SLOTS } from "../../lib/state-log/state-log.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { bytesOf, digestOf } from "../state-log/blobs.ts";
import { entry, newTask, range, sorted, utf8 } from "../state-log/entries.ts";

const N = RING_SLOTS;
const MEGABYTE = 1024 * 1024;

type Call = { readonly operation: string; readonly input: Readonly<Record<string, unknown>> };

/** The calls of one log, seen and disturbed. */
type Calls = {
  /** Runs before a call is forwarded. */
  before: (call: Call) => Promise<void> | void;
  /** True: the call takes effect, and its reply is lost. */
  losesReply: (call: Call) => boolean;
  readonly answered: readonly Call[];
};

type Opened = {
  readonly log: DynamoDbStateLog;
  /** Another log on the same table, whose calls can be disturbed; closed at the end. */
  readonly another: () => Promise<{ readonly log: DynamoDbStateLog; readonly calls: Calls }>;
  /** All keys of the table. */
  readonly keys: () => Promise<readonly Key[]>;
  readonly deleteItem: (key: Key) => Promise<void> | void;
  readonly close: () => Promise<void>;
};

const large = (seed: number) => ({
  changes: bytesOf(PART_BYTES * 2, seed),
  outputs: bytesOf(PART_BYTES + 7, seed + 1),
});
const selfContained = (n: number) => ({ base: n - 1, selfContained: true });

/** Appends small self-contained entries. */
async function appendSmall(to: DynamoDbStateLog, task: string, first: number, last: number): Promise<void> {
  for (const n of range(first, last)) expect((await append(to, task, entry(n, selfContained(n)))).kind).toBe("won");
}

export function testParts(title: string, open: () => Promise<Opened>): void {
  describe(title, () => {
    let opened: Opened;
    let log: DynamoDbStateLog;
    beforeAll(async () => {
      opened = await open();
      log = opened.log;
    });
    afterAll(() => opened?.close());

    /** The keys of a task's parts, as they lie in the table. */
    const partsOf = async (task: string): Promise<string[]> =>
      (await opened.keys())
        .filter(({ pk }) => pk.startsWith("parts#") && pk.endsWith(`#${task}`))
        .map(({ pk, sk }) => `${pk} ${sk}`);

    describe("entries", () => {
      test.each([390, 400, 410, 768, 769].map((kilobytes) => kilobytes * 1024))(
        "of %i bytes are kept whole, whichever side of the limit they lie on",
        async (length) => {
          for (const more of [-300, -1, 0, 1]) {
            const task = newTask();
            const full = entry(1, { changes: bytesOf(length + more), outputs: bytesOf(11), meta: "m".repeat(700) });
            await append(log, task, full);
            expect(digestOf(await log.readSlot(task, 1))).toEqual(digestOf(full));
            expect(digestOf(await log.readEntries(task))).toEqual(digestOf([full]));
          }
        },
      );

      test("with a meta of several hundred kilobytes are kept", async () => {
        const task = newTask();
        const meta = JSON.stringify(range(1, 60_000).map((n) => [`application/upstream/topic-${n % 50}/1`, n]));
        const full = entry(1, { meta, changes: bytesOf(300 * 1024) });
        await append(log, task, full);
        expect(digestOf(await log.readSlot(task, 1))).toEqual(digestOf(full));
      });

      test("a meta that does not fit even so is refused with a sentence", async () => {
        const meta = Buffer.from(bytesOf(MEGABYTE)).toString("base64");
        await expect(log.putEntry(newTask(), entry(1, { meta }))).rejects.toMatchObject({
          code: "state-store",
          message: expect.stringContaining("too large (above 400 KB)"),
        });
      });

      test("are read in pages where the ring is larger than one answer", async () => {
        const task = newTask();
        const entries = range(1, N).map((n) => entry(n, { ...selfContained(n), changes: bytesOf(100 * 1024, n) }));
        for (const one of entries) await append(log, task, one);
        expect(digestOf(sorted(await log.readEntries(task)))).toEqual(digestOf(entries));
        expect((await log.tasks()).find((head) => head.task === task)?.sequenceNumber).toBe(N);
      });

      test("L3: parts are durable before the entry that names them is put", async () => {
        const { calls, log: through } = await opened.another();
        await append(through, newTask(), entry(1, large(1)));
        const puts = calls.answered
          .filter(({ operation }) => operation === "PutItem")
          .map(({ input }) => (input.Item as { pk: { S: string } }).pk.S.split("#")[0]);
        expect(puts).toEqual(["tasks", ...Array(4).fill("parts"), "entries"]);
      });

      test("L6: parts are swept once their entry is overwritten, and not before", async () => {
        const task = newTask();
        await append(log, task, entry(1, { ...selfContained(1), ...large(1) }));
        await appendSmall(log, task, 2, N);
        expect(await partsOf(task)).toHaveLength(4);
        const first = (await log.readEntries(task)).find(({ sequenceNumber }) => sequenceNumber === 1);
        expect(digestOf(first?.changes)).toBe(digestOf(large(1).changes));
        await appendSmall(log, task, N + 1, N + 1);
        expect(await partsOf(task)).toEqual([]);
      });

      test("whoever lost the race takes its own parts away, and never the winner's", async () => {
        const task = newTask();
        const writers = ["a", "b", "c", "d"];
        const results = await Promise.all(writers.map((by, i) => append(log, task, entry(1, large(10 * i), by))));
        expect(results.filter(({ kind }) => kind === "won")).toHaveLength(1);
        const winner = results.findIndex(({ kind }) => kind === "won");
        expect(await partsOf(task)).toHaveLength(4);
        expect(digestOf(await log.readSlot(task, 1))).toEqual(digestOf(entry(1, large(10 * winner), writers[winner])));
      });

      test("parts of a writer that died before its entry are found by a later sweep of another process", async () => {
        const task = newTask();
        const { calls, log: dying } = await opened.another();
        calls.before = ({ operation, input }) => {
          if (operation === "PutItem" && String(Object(input.Item).pk.S).startsWith("entries#"))
            throw new Error("dies");
        };
        await expect(dying.putEntry(task, entry(1, large(1), "dead"))).rejects.toMatchObject({ code: "state-store" });
        expect(await partsOf(task)).toHaveLength(4);
        await append(log, task, entry(1, { ...selfContained(1), ...large(2) }));
        await appendSmall(log, task, 2, N + 1);
        expect(await partsOf(task)).toEqual([]);
      });

      test("L4: after a lost reply the writer is told of its own entry, whole, and keeps its parts", async () => {
        const { calls, log: through } = await opened.another();
        for (const fields of [{}, large(3)]) {
          const task = newTask();
          let lost = 0;
          calls.losesReply = ({ input }) => String(Object(input.Item).pk?.S).startsWith("entries#") && lost++ === 0;
          expect(digestOf(await through.putEntry(task, entry(1, fields)))).toEqual(
            digestOf({ kind: "refused", found: entry(1, fields) }),
          );
          expect(lost).toBe(2);
          lost = 0;
          const next = entry(2, fields);
          expect(await append(through, task, next)).toEqual({ kind: "won" });
          expect(digestOf((await openLog(log, task)).head)).toEqual(digestOf(next));
        }
      });

      test("L8: a reader whose parts are swept meanwhile starts again with what replaced them", async () => {
        const task = newTask();
        await append(log, task, entry(1, { ...selfContained(1), ...large(1) }));
        await appendSmall(log, task, 2, N);
        const { calls, log: slow } = await opened.another();
        const next = entry(N + 1, { ...selfContained(N + 1), ...large(5) });
        let overtaken: Promise<unknown> | undefined;
        calls.before = async ({ operation, input }) => {
          if (operation === "GetItem" && String(Object(input.Key).pk.S).startsWith("parts#"))
            await (overtaken ??= append(log, task, next));
        };
        expect(digestOf(await slow.readSlot(task, 1))).toEqual(digestOf(next));
        expect(overtaken).toBeDefined();
        expect(digestOf((await openLog(slow, task)).head)).toEqual(digestOf(next));
      });

      test("L8: parts that are missing although their entry stands are a broken log, said as such", async () => {
        const task = newTask();
        await log.putEntry(task, entry(1, large(1)));
        const [pk = "", sk = ""] = (await partsOf(task))[0]?.split(" ") ?? [];
        await opened.deleteItem({ pk, sk });
        await expect(log.readSlot(task, 1)).rejects.toMatchObject({ code: "state-broken" });
        await expect(log.readEntries(task)).rejects.toThrow("has lost bytes");
      });
    });

    describe("chunks", () => {
      const chunk = (asOf: number, length: number) => ({ range: "0-0", asOf, bytes: bytesOf(length, asOf) });

      test("of several megabytes are kept whole, and the one before them is swept", async () => {
        const task = newTask();
        for (const asOf of [3, 5, 9]) {
          await log.putChunk(task, chunk(asOf, 3 * MEGABYTE + asOf));
          expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(asOf, 3 * MEGABYTE + asOf)]));
          expect(await partsOf(task)).toHaveLength(9);
        }
        await log.putChunk(task, chunk(10, 10));
        expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(10, 10)]));
        expect(await partsOf(task)).toEqual([]);
      });

      test("L6: a refused one counts as durable and leaves nothing behind", async () => {
        const task = newTask();
        await log.putChunk(task, chunk(5, MEGABYTE));
        const parts = await partsOf(task);
        for (const asOf of [4, 5]) await log.putChunk(task, chunk(asOf, 2 * MEGABYTE));
        expect(await partsOf(task)).toEqual(parts);
        expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
      });

      test("L6: of concurrent large ones the latest remains, and only its parts", async () => {
        const task = newTask();
        await Promise.all([3, 9, 1, 7, 2].map((asOf) => log.putChunk(task, chunk(asOf, MEGABYTE))));
        expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(9, MEGABYTE)]));
        await log.putChunk(task, chunk(11, MEGABYTE));
        expect(await partsOf(task)).toHaveLength(3);
      });

      test("L6: after a lost reply a large one is found to be its own, and keeps its parts", async () => {
        const task = newTask();
        const { calls, log: through } = await opened.another();
        let lost = 0;
        calls.losesReply = ({ input }) => String(Object(input.Item).pk?.S).startsWith("chunks#") && lost++ === 0;
        await through.putChunk(task, chunk(5, MEGABYTE));
        expect(lost).toBe(2);
        expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
      });

      test("L8: a reader whose chunk is replaced meanwhile starts again with the later one", async () => {
        const task = newTask();
        await log.putChunk(task, chunk(5, MEGABYTE));
        const { calls, log: slow } = await opened.another();
        let replaced: Promise<unknown> | undefined;
        calls.before = async ({ operation }) => {
          if (operation === "GetItem") await (replaced ??= log.putChunk(task, chunk(8, MEGABYTE + 5)));
        };
        expect(digestOf(await slow.readChunks(task))).toEqual(digestOf([chunk(8, MEGABYTE + 5)]));
        expect(replaced).toBeDefined();
      });

      test("a hundred ranges are read from all partition keys, in pages, each once", async () => {
        const task = newTask();
        const ranges = range(0, 99).map((prefix) => `7-${prefix}`);
        for (const name of ranges) await log.putChunk(task, { range: name, asOf: 1, bytes: utf8(name.repeat(15_000)) });
        const read = await log.readChunks(task);
        expect(read.map(({ range: name }) => name).sort()).toEqual([...ranges].sort());
        for (const { range: name, bytes } of read)
          expect(Buffer.from(bytes).toString() === name.repeat(15_000), name).toBe(true);
      });
    });
  });
}
