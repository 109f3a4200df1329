/** What every store of state logs does, and L1 … L9 as far as the log carries them. Tasks get fresh names, so that a server may be shared and never cleaned. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LAYOUT, RING_SLOTS, type StateLog } from "../../lib/state-log/state-log.ts";
import { append, openLog, readTail, TAIL_READS_MAX } from "../../lib/state-log/workflow.ts";
import { appendUpTo, baseOf, entry, newTask, numbersOf, range, sorted, utf8 } from "../state-log/entries.ts";
import { expectSegmentsKept } from "./segments.contract.ts";

const N = RING_SLOTS;
const MEGABYTE = 1024 * 1024;

/** Runs the suite; `open` is called once with a name that no other store has, and `close` at the end. */
export function testStateLog(
  title: string,
  open: (name: string) => Promise<{ readonly log: StateLog; readonly close: () => Promise<void> }>,
): void {
  describe(title, () => {
    let log: StateLog;
    let close: () => Promise<void>;
    beforeAll(async () => {
      ({ log, close } = await open(`contract-${randomUUID()}`));
    });
    afterAll(() => close());

    describe("L1: numbers without a gap, each naming the one before", () => {
      test("L1: a log begins empty", async () => {
        const task = newTask();
        expect(await log.readEntries(task)).toEqual([]);
        expect(await log.readSlot(task, 1)).toBeUndefined();
        expect(await log.readChunks(task)).toEqual([]);
        expect(await openLog(log, task)).toEqual({
          head: undefined,
          archived: [],
          archivedTo: 0,
          entries: [],
          chunks: [],
        });
      });

      test("L1: entries come back in order, as they were put", async () => {
        const task = newTask();
        await appendUpTo(log, task, 5);
        const { head, entries } = await openLog(log, task);
        expect(head).toEqual(entry(5));
        expect(entries).toEqual(range(1, 5).map((n) => entry(n)));
      });

      test("L1: a gap is a broken log, not a shorter one", async () => {
        const task = newTask();
        for (const n of [1, 2, 4]) await log.putEntry(task, entry(n));
        await expect(openLog(log, task)).rejects.toMatchObject({ code: "state-broken" });
      });

      test("L1: an entry that does not name the one before is a broken log", async () => {
        const task = newTask();
        await log.putEntry(task, entry(1));
        await log.putEntry(task, entry(2, { previousAttemptId: "b1" }));
        await expect(openLog(log, task)).rejects.toMatchObject({ code: "state-broken" });
        await expect(readTail(log, task, entry(1))).rejects.toMatchObject({ code: "state-broken" });
      });

      test("L1: after the first lap a number is refused where the one a lap before is not", async () => {
        const task = newTask();
        await appendUpTo(log, task, 2);
        const early = entry(N + 3, { base: N + 2 });
        expect(await log.putEntry(task, early)).toEqual({ kind: "refused", found: undefined });
        const later = entry(2 * N + 2, { base: 2 * N + 1 });
        expect(await log.putEntry(task, later)).toEqual({ kind: "refused", found: entry(2) });
        await expect(append(log, task, early)).rejects.toMatchObject({ code: "state-broken" });
        await expect(append(log, task, later)).rejects.toMatchObject({ code: "state-broken" });
      });

      test("L1: the ring goes round for many laps and holds the last lap each time", async () => {
        const task = newTask();
        const laps = 5;
        for (let lap = 1; lap <= laps; lap += 1) {
          const last = lap * N + lap;
          await appendUpTo(log, task, last, (lap - 1) * (N + 1) + 1);
          expect(numbersOf(sorted(await log.readEntries(task)))).toEqual(range(last - N + 1, last));
          expect(await log.readSlot(task, last + 1)).toEqual(entry(last + 1 - N, { base: baseOf(last + 1 - N) }));
          expect(numbersOf((await openLog(log, task)).entries)).toEqual(range(baseOf(last) + 1, last));
        }
      });
    });

    describe("L2: of all writers of a number exactly one wins", () => {
      test.each([1, 2, N, N + 1, 2 * N + 1])("L2: of eight concurrent puts of %i one is stored", async (n) => {
        const task = newTask();
        await appendUpTo(log, task, n - 1);
        const writers = ["a", "b", "c", "d", "e", "f", "g", "h"];
        const results = await Promise.all(writers.map((by) => append(log, task, entry(n, { base: baseOf(n) }, by))));
        const won = writers.filter((_, i) => results[i]?.kind === "won");
        expect(won).toHaveLength(1);
        const winner = entry(n, { base: baseOf(n) }, won[0]);
        expect(results.filter(({ kind }) => kind === "lost")).toEqual(Array(7).fill({ kind: "lost", winner }));
        expect((await openLog(log, task)).head).toEqual(winner);
      });

      test("L2: a refused put tells what it met and changes nothing", async () => {
        const task = newTask();
        await appendUpTo(log, task, 1);
        expect(await log.putEntry(task, entry(1, {}, "b"))).toEqual({ kind: "refused", found: entry(1) });
        expect(await log.readEntries(task)).toEqual([entry(1)]);
      });

      test("L2: tasks do not disturb one another, whatever their names have in common", async () => {
        const task = newTask();
        const others = [`${task}0`, task.slice(0, -1), task.toUpperCase(), newTask("größe's %_?")];
        for (const [i, name] of [task, ...others].entries()) await appendUpTo(log, name, i + 1);
        for (const [i, name] of [task, ...others].entries()) {
          expect((await openLog(log, name)).head?.sequenceNumber).toBe(i + 1);
        }
      });
    });

    describe("L3: a commit is all or nothing", () => {
      test("L3: every field is kept exactly", async () => {
        const full = entry(1, {
          attemptId: "é\u0000𝄞'\"",
          meta: '{"watermark":"−∞","text":"\u0000 𝄞 \\n"}',
          changes: Uint8Array.from({ length: 512 }, (_, i) => i),
          outputs: utf8("x"),
          wakeAtMs: 8_640_000_000_000_000,
        });
        const task = newTask();
        await append(log, task, full);
        expect(await log.readSlot(task, 1)).toEqual(full);
        expect(await log.readEntries(task)).toEqual([full]);
      });

      test("L3: an entry leaves nothing of the one that it overwrites", async () => {
        const task = newTask();
        const large = { outputs: utf8("outputs ".repeat(100_000)), changes: utf8("c".repeat(600_000)), wakeAtMs: 5 };
        await append(log, task, entry(1, large));
        await appendUpTo(log, task, N, 2);
        const small = entry(N + 1, { base: N, meta: "", changes: new Uint8Array(0) });
        await append(log, task, small);
        expect(await log.readSlot(task, N + 1)).toEqual(small);
      });

      test("L3: what happens to a writer's or a reader's bytes afterwards changes no commit", async () => {
        const task = newTask();
        const mine = entry(1, { changes: Buffer.from("before"), outputs: utf8("outputs") });
        await append(log, task, mine);
        mine.changes.fill(0);
        (await log.readSlot(task, 1))?.outputs.fill(0);
        expect(await log.readSlot(task, 1)).toEqual(entry(1, { changes: utf8("before"), outputs: utf8("outputs") }));
      });

      test("L3: entries and chunks of several megabytes are kept whole", async () => {
        const task = newTask();
        const bytes = new Uint8Array(5 * MEGABYTE).map((_, i) => (i * 31) ^ (i >> 8));
        await append(log, task, entry(1, { changes: bytes, outputs: bytes.subarray(1, 3 * MEGABYTE) }));
        await log.putChunk(task, { range: "0-0", asOf: 1, bytes });
        const opened = await openLog(log, task);
        expect(Buffer.compare(opened.entries[0]?.changes ?? Buffer.of(), bytes)).toBe(0);
        expect(Buffer.compare(opened.entries[0]?.outputs ?? Buffer.of(), bytes.subarray(1, 3 * MEGABYTE))).toBe(0);
        expect(Buffer.compare(opened.chunks[0]?.bytes ?? Buffer.of(), bytes)).toBe(0);
      });
    });

    describe("L4: a writer recognises its own entry", () => {
      test("L4: the same put again is refused by itself, and is a win", async () => {
        const task = newTask();
        expect(await append(log, task, entry(1))).toEqual({ kind: "won" });
        expect(await log.putEntry(task, entry(1))).toEqual({ kind: "refused", found: entry(1) });
        expect(await append(log, task, entry(1))).toEqual({ kind: "won" });
      });

      test("L4: once the ring has gone on, the same put again has lost, and nothing comes back", async () => {
        const task = newTask();
        await appendUpTo(log, task, N + 1);
        const winner = entry(N + 1, { base: N });
        expect(await append(log, task, entry(1))).toEqual({ kind: "lost", winner });
        expect((await openLog(log, task)).head).toEqual(winner);
      });
    });

    describe("L5: outputs are read from the commit", () => {
      test("L5: every reader finds the same bytes to emit", async () => {
        const task = newTask();
        const outputs = utf8("outputs");
        await append(log, task, entry(1, { outputs }));
        expect((await openLog(log, task)).head?.outputs).toEqual(outputs);
        expect((await log.readSlot(task, 1))?.outputs).toEqual(outputs);
        await append(log, task, entry(2, { outputs }));
        expect(await readTail(log, task, entry(1))).toEqual({ kind: "behind", entries: [entry(2, { outputs })] });
      });
    });

    describe("L6: nothing is overwritten that chunks do not cover", () => {
      test("L6: an append without cover is refused before it reaches the store", async () => {
        const task = newTask();
        await appendUpTo(log, task, N);
        await expect(append(log, task, entry(N + 1, { base: 0 }))).rejects.toThrow("L6");
        await expect(append(log, task, entry(N + 1, { base: N + 1 }))).rejects.toThrow("L6");
        expect(await append(log, task, entry(N + 1, { base: 1 }))).toEqual({ kind: "won" });
      });

      test("L6: a self-contained entry covers itself, and needs no chunk", async () => {
        const task = newTask();
        for (const n of range(1, 2 * N + 3)) {
          expect(await append(log, task, entry(n, { base: n - 1, selfContained: true }))).toEqual({ kind: "won" });
        }
        const head = entry(2 * N + 3, { base: 2 * N + 2, selfContained: true });
        expect(await openLog(log, task)).toEqual({
          head,
          archived: [],
          archivedTo: head.base,
          entries: [head],
          chunks: [],
        });
      });

      test("L6: entries after a self-contained one rest on it until chunks cover it", async () => {
        const task = newTask();
        const first = entry(1, { selfContained: true });
        expect(await append(log, task, first)).toEqual({ kind: "won" });
        for (const n of range(2, N)) expect(await append(log, task, entry(n))).toEqual({ kind: "won" });
        expect((await openLog(log, task)).entries).toEqual([first, ...range(2, N).map((n) => entry(n))]);
        await expect(append(log, task, entry(N + 1))).rejects.toThrow("L6");
        await log.putChunk(task, { range: "0-0", asOf: N, bytes: utf8("state") });
        expect(await append(log, task, entry(N + 1, { base: N }))).toEqual({ kind: "won" });
      });

      test("L6: a chunk is kept unless one as late is there, and both count as durable", async () => {
        const task = newTask();
        await appendUpTo(log, task, 9);
        const put = (asOf: number, text: string, name = "0-0") =>
          log.putChunk(task, { range: name, asOf, bytes: utf8(text) });
        await put(5, "five");
        await put(4, "four, late");
        await put(5, "five, again");
        expect(await log.readChunks(task)).toEqual([{ range: "0-0", asOf: 5, bytes: utf8("five") }]);
        await put(9, "");
        await put(1, "other range", "1-10");
        expect([...(await log.readChunks(task))].sort((a, b) => a.asOf - b.asOf)).toEqual([
          { range: "1-10", asOf: 1, bytes: utf8("other range") },
          { range: "0-0", asOf: 9, bytes: new Uint8Array(0) },
        ]);
      });

      test("L6: of concurrent chunks of a range the latest remains", async () => {
        const task = newTask();
        const order = [3, 9, 1, 7, 2, 8, 6, 4, 5];
        await Promise.all(
          order.map((asOf) => log.putChunk(task, { range: "0-0", asOf, bytes: utf8(`state of ${asOf}`) })),
        );
        expect(await log.readChunks(task)).toEqual([{ range: "0-0", asOf: 9, bytes: utf8("state of 9") }]);
      });
    });

    describe("L7: state is the chunks and the entries after them", () => {
      test.each([1, N / 2, N, N + 1, 3 * N + 5])("L7: a log of %i entries opens from its base on", async (last) => {
        const task = newTask();
        await appendUpTo(log, task, last);
        const base = baseOf(last);
        const { head, entries, chunks } = await openLog(log, task);
        expect(head).toEqual(entry(last, { base }));
        expect(numbersOf(entries)).toEqual(range(base + 1, last));
        const bytes = utf8(`state of ${base}`);
        expect(chunks).toEqual(base === 0 ? [] : [{ range: "0-0", asOf: base, bytes }]);
      });

      test("L7: chunks from before are no part of a self-contained state", async () => {
        const task = newTask();
        await appendUpTo(log, task, N);
        const head = entry(N + 1, { base: N, selfContained: true });
        await append(log, task, head);
        expect(await openLog(log, task)).toEqual({
          head,
          archived: [],
          archivedTo: head.base,
          entries: [head],
          chunks: [],
        });
      });

      test("L7: a log that is longer than its ring comes back from segments and slots", () => expectSegmentsKept(log));

      test("L7: a warm reader reads what came since, a distant one everything", async () => {
        const task = newTask();
        await appendUpTo(log, task, 2);
        expect(await readTail(log, task, entry(2))).toEqual({ kind: "current" });
        await appendUpTo(log, task, 4, 3);
        expect(await readTail(log, task, entry(2))).toEqual({ kind: "behind", entries: [entry(3), entry(4)] });
        await appendUpTo(log, task, 3 + TAIL_READS_MAX, 5);
        expect(await readTail(log, task, entry(2))).toEqual({ kind: "reload" });
        await appendUpTo(log, task, 2 * N, 4 + TAIL_READS_MAX);
        expect(await readTail(log, task, entry(2))).toEqual({ kind: "reload" });
        expect(await readTail(log, task, entry(2 * N, { base: baseOf(2 * N) }))).toEqual({ kind: "current" });
      });
    });

    describe("L8: nothing late loses or mixes what was committed", () => {
      test("L8: puts of every earlier number, however late, change nothing", async () => {
        const task = newTask();
        await appendUpTo(log, task, 2 * N + 1);
        const before = await openLog(log, task);
        for (const n of range(1, 2 * N + 1)) {
          expect((await log.putEntry(task, entry(n, { base: n - 1 }, "zombie"))).kind).toBe("refused");
          await log.putChunk(task, { range: "0-0", asOf: Math.min(n, baseOf(2 * N + 1)), bytes: utf8("zombie") });
        }
        expect(await openLog(log, task)).toEqual(before);
      });

      test("L8: chunks later than the log, and chunks without one, show that entries were lost", async () => {
        for (const last of [0, 3]) {
          const task = newTask();
          await appendUpTo(log, task, last);
          await log.putChunk(task, { range: "0-0", asOf: last + 1, bytes: utf8("state") });
          await expect(openLog(log, task)).rejects.toMatchObject({ code: "state-broken" });
        }
      });

      test("L8: a head that the log does not have shows that entries were lost", async () => {
        const task = newTask();
        await appendUpTo(log, task, 3);
        const head = entry(N + 5, { base: N });
        await expect(readTail(log, task, head)).rejects.toMatchObject({ code: "state-broken" });
      });

      test("a newer layout stops whoever meets it, with a sentence", async () => {
        const task = newTask();
        await appendUpTo(log, task, 1);
        await log.putEntry(task, entry(2, { layout: LAYOUT + 1 }));
        const refusal = { code: "state-unusable", message: expect.stringContaining(`layouts up to ${LAYOUT}`) };
        await expect(openLog(log, task)).rejects.toMatchObject(refusal);
        await expect(readTail(log, task, entry(1))).rejects.toMatchObject(refusal);
        await expect(append(log, task, entry(2, {}, "b"))).rejects.toMatchObject(refusal);
      });
    });

    describe("L9: only the head can be unsettled", () => {
      test("L9: the head's outputs are there for whoever must settle them, until the next lap", async () => {
        const task = newTask();
        for (const n of range(1, N + 1)) {
          const outputs = n % 3 === 0 ? new Uint8Array(0) : utf8(`outputs of ${n}`);
          await append(log, task, entry(n, { base: n - 1, selfContained: true, outputs }));
          expect((await openLog(log, task)).head?.outputs).toEqual(outputs);
        }
      });

      test("L9: no outputs come back as no outputs, so the entry is settled by nature", async () => {
        const task = newTask();
        await append(log, task, entry(1, { outputs: new Uint8Array(0), changes: new Uint8Array(0) }));
        const head = (await openLog(log, task)).head;
        expect([head?.outputs.byteLength, head?.changes.byteLength]).toEqual([0, 0]);
      });
    });

    describe("generations", () => {
      test("begin at none and grow by one when asked with the current one", async () => {
        const name = newTask();
        expect(await log.generationOf(name)).toBe(0);
        expect(await log.allotGeneration(name, 1)).toBe(0);
        expect(await log.allotGeneration(name, 0)).toBe(1);
        expect(await log.allotGeneration(name, 0)).toBe(1);
        expect(await log.allotGeneration(name, 1)).toBe(2);
        expect(await log.generationOf(name)).toBe(2);
        expect(await log.generationOf(newTask())).toBe(0);
      });

      test("only grow, one at a time, whoever asks at once", async () => {
        const name = newTask();
        const askers = range(1, 8).map(async () => {
          const seen: number[] = [];
          while ((seen.at(-1) ?? 0) < 5) seen.push(await log.allotGeneration(name, seen.at(-1) ?? 0));
          return seen;
        });
        for (const seen of await Promise.all(askers)) expect(seen).toEqual([...seen].sort((a, b) => a - b));
        expect(await log.generationOf(name)).toBe(5);
      });
    });

    test("tasks are listed by name with their head and what they take", async () => {
      const prefix = `test-${randomUUID()}`;
      const [a, b, chunksOnly] = [`${prefix}/a/t-0/1`, `${prefix}/b/t-10/2`, `${prefix}/c/t-0/1`];
      await appendUpTo(log, b, N + 1);
      await append(log, a, entry(1, { changes: utf8("123"), outputs: utf8("45"), meta: "é", wakeAtMs: 7 }));
      await log.putChunk(chunksOnly, { range: "0-0", asOf: 1, bytes: utf8("x") });
      const listed = (await log.tasks()).filter(({ task }) => task.startsWith(prefix));
      expect(listed).toEqual([
        { task: a, sequenceNumber: 1, wakeAtMs: 7, meta: "é", entryBytes: 7, chunkBytes: 0 },
        {
          task: b,
          sequenceNumber: N + 1,
          wakeAtMs: null,
          meta: entry(N + 1).meta,
          entryBytes: expect.any(Number),
          chunkBytes: utf8(`state of ${N}`).byteLength,
        },
      ]);
    });
  });
}
