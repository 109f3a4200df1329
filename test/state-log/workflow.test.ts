/** The workflow over the port: what it reads in which order, how often it tries, and what it never concludes. */

import { describe, expect, test } from "vitest";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import type { LogEntry, PutEntryResult, StateLog } from "../../lib/state-log/state-log.ts";
import { RING_SLOTS } from "../../lib/state-log/state-log.ts";
import { APPEND_ATTEMPTS_MAX, append, OPEN_RESTARTS_MAX, openLog, readTail } from "../../lib/state-log/workflow.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import { appendUpTo, baseOf, entry, newTask, numbersOf, range, utf8 } from "./entries.ts";

const N = RING_SLOTS;

/** A log in memory with some of its calls replaced; the replacements get the log itself. */
function over(log: StateLog, calls: Partial<StateLog>): StateLog {
  return new Proxy(log, {
    get(target, name: keyof StateLog) {
      const call = calls[name] ?? target[name];
      return (call as (...args: unknown[]) => unknown).bind(target);
    },
  });
}

const failure = () => new MillraceError("state-store", "no answer");

describe("append", () => {
  test("L4: recognises an entry that was stored although the reply was lost", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    let puts = 0;
    const putEntry = async (name: string, one: LogEntry): Promise<PutEntryResult> => {
      const result = await log.putEntry(name, one);
      if (++puts === 1) throw failure();
      return result;
    };
    expect(await append(over(log, { putEntry }), task, entry(1))).toEqual({ kind: "won" });
    expect(puts).toBe(2);
  });

  test("L4: repeats the same put, then throws the failure: never says whether it was committed", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    const puts: LogEntry[] = [];
    const putEntry = async (_: string, one: LogEntry): Promise<PutEntryResult> => {
      puts.push(one);
      throw failure();
    };
    await expect(append(over(log, { putEntry }), task, entry(1))).rejects.toMatchObject({ code: "state-store" });
    expect(puts).toEqual(Array(APPEND_ATTEMPTS_MAX).fill(entry(1)));
  });

  test("L2: learns the winner when the request was lost and somebody else was faster", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    let puts = 0;
    const putEntry = async (name: string, one: LogEntry): Promise<PutEntryResult> => {
      if (++puts > 1) return log.putEntry(name, one);
      await log.putEntry(name, entry(1, {}, "b"));
      throw failure();
    };
    const appended = await append(over(log, { putEntry }), task, entry(1));
    expect(appended).toEqual({ kind: "lost", winner: entry(1, {}, "b") });
  });

  test("does not repeat what is no failure of the store", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    let puts = 0;
    const putEntry = async (): Promise<PutEntryResult> => {
      puts += 1;
      throw new TypeError("a bug");
    };
    await expect(append(over(log, { putEntry }), task, entry(1))).rejects.toThrow("a bug");
    expect(puts).toBe(1);
  });
});

describe("openLog", () => {
  test("L7: reads the chunks after the log, and none for a self-contained head", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    await appendUpTo(log, task, 2);
    const calls: string[] = [];
    const traced =
      <T>(name: string, call: (task: string) => Promise<T>) =>
      (of: string) => {
        calls.push(name);
        return call.call(log, of);
      };
    const tracing = over(log, {
      readEntries: traced("entries", log.readEntries),
      readChunks: traced("chunks", log.readChunks),
    });
    await openLog(tracing, task);
    expect(calls.splice(0)).toEqual(["entries", "chunks"]);
    await append(log, task, entry(3, { base: 2, selfContained: true }));
    await openLog(tracing, task);
    expect(calls).toEqual(["entries"]);
  });

  test("L8: reads the log again when the chunks are ahead of it", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    await appendUpTo(log, task, N / 2);
    let reads = 0;
    const readChunks = async (name: string) => {
      if (++reads === 1) await appendUpTo(log, task, N / 2 + 2 * N, N / 2 + 1);
      return log.readChunks(name);
    };
    const { head, entries, chunks } = await openLog(over(log, { readChunks }), task);
    const last = N / 2 + 2 * N;
    expect(reads).toBe(2);
    expect(head?.sequenceNumber).toBe(last);
    expect(numbersOf(entries)).toEqual(range(baseOf(last) + 1, last));
    expect(chunks.map(({ asOf }) => asOf)).toEqual([baseOf(last)]);
  });

  test("L8: reads slots again that were read too early, and starts again when they went on", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    await appendUpTo(log, task, 5);
    let reads = 0;
    // The first reading sees slot 3 as it was before entry 3 came.
    const readEntries = async (name: string) => {
      const all = await log.readEntries(name);
      return ++reads === 1 ? all.filter(({ sequenceNumber }) => sequenceNumber !== 3) : all;
    };
    const log3 = over(log, { readEntries });
    expect(numbersOf((await openLog(log3, task)).entries)).toEqual([1, 2, 3, 4, 5]);
    expect(reads).toBe(1);

    reads = 0;
    const readSlot = async (name: string, n: number) => {
      await appendUpTo(log, task, N + 3, 6);
      return log.readSlot(name, n);
    };
    expect((await openLog(over(log, { readEntries, readSlot }), task)).head?.sequenceNumber).toBe(N + 3);
    expect(reads).toBe(2);
  });

  test("gives up when writers overtake it again and again", async () => {
    const [log, task] = [new MemoryStateLog(), newTask()];
    await appendUpTo(log, task, 1);
    let [reads, last] = [0, 1];
    const readChunks = async (name: string) => {
      reads += 1;
      await log.putChunk(name, { range: "0-0", asOf: last, bytes: utf8("state") });
      await appendUpTo(log, task, last + N, last + 1);
      last += N;
      return log.readChunks(name);
    };
    await expect(openLog(over(log, { readChunks }), task)).rejects.toMatchObject({ code: "conflict" });
    expect(reads).toBe(OPEN_RESTARTS_MAX + 1);
  });
});

test("a broken log is a sentence that names the task, the entry and what to do", async () => {
  const [log, task] = [new MemoryStateLog(), "shop/count-words/lines-0/1"];
  for (const n of [1, 2, 4]) await log.putEntry(task, entry(n));
  await expect(openLog(log, task)).rejects.toThrow(
    "The state log of shop/count-words/lines-0/1 does not hold entry 3, which entry 4 needs.",
  );
  await expect(readTail(log, task, entry(2 * N))).rejects.toThrow(/has lost entries: after entry 64/);
});
