/** The state of a real task against plain maps, over thousands of commits: self-contained entries, chunks that split, laps of the ring, reopening. */

import { createHash } from "node:crypto";
import fc from "fast-check";
import { boundedOutOfOrderness, json, milliseconds, operator, stream, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../lib/simulation/random.ts";
import { RING_SLOTS } from "../../lib/state-log/state-log.ts";
import { encodeKey } from "../../lib/stream/key.ts";
import { OneTask, type Sent } from "./one-task.ts";

/** More of them by hand: MILLRACE_RUNS=1000 npx vitest run test/runtime/snapshots.test.ts */
const RUNS = Number(process.env.MILLRACE_RUNS ?? 4);

const WINDOW_MS = 10;

const events = topic("events", {
  key: text(),
  value: json<string>(),
  watermark: boundedOutOfOrderness(milliseconds(0)),
});
const seen = topic("seen", { value: json<number>() });
const closed = topic("closed", { value: json<number>() });

/** Keeps the last value of each key for ever. */
const keepLast = () =>
  stream(events)
    .keyedByTopicKey()
    .reduce((_, value) => value, { name: "last" })
    .to(seen.from(({ value }) => value.length));

/** Keeps all values of a window until it closes. */
const keepWindows = () =>
  stream(events)
    .keyedByTopicKey()
    .window(tumbling(milliseconds(WINDOW_MS)), { name: "window" })
    .aggregate((on) => on.collect())
    .to(closed.from(({ value }) => value.length));

const lasting = operator("lasting", keepLast());
const passing = operator("passing", keepWindows());
const both = operator("both", keepLast(), keepWindows());

/** What the task's cells must be. */
class Reference {
  readonly #last = new Map<string, string>();
  readonly #windows = new Map<number, Map<string, string[]>>();
  readonly #kinds: readonly ("last" | "window")[];

  constructor(...kinds: readonly ("last" | "window")[]) {
    this.#kinds = kinds;
  }

  add(sent: readonly Sent[], timestampMs: number): void {
    const start = Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
    for (const { key, value } of sent) {
      if (this.#kinds.includes("last")) this.#last.set(key, value as string);
      if (!this.#kinds.includes("window")) continue;
      const window = this.#windows.get(start) ?? new Map<string, string[]>();
      this.#windows.set(start, window);
      window.set(key, [...(window.get(key) ?? []), value as string]);
    }
    this.advance(timestampMs - 1);
  }

  advance(watermarkMs: number): void {
    for (const start of this.#windows.keys()) if (start + WINDOW_MS - 1 <= watermarkMs) this.#windows.delete(start);
  }

  cells(): Map<string, string> {
    const cells = new Map<string, string>();
    for (const [key, value] of this.#last) cells.set(`last  ${encodeKey(key)}`, JSON.stringify([value]));
    for (const [start, window] of this.#windows)
      for (const [key, values] of window) cells.set(`window ${start} ${encodeKey(key)}`, JSON.stringify(values));
    return cells;
  }
}

/** Text that does not compress, or chunks would never grow. */
const NOISE = createHash("shake256", { outputLength: 2 ** 21 })
  .update("noise")
  .digest("base64");

/** Where two states differ first; there is too much of them to be shown. */
function firstDifference(found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>) {
  for (const name of new Set([...expected.keys(), ...found.keys()]))
    if (found.get(name) !== expected.get(name))
      return { name, found: found.get(name)?.slice(0, 99), expected: expected.get(name)?.slice(0, 99) };
  return undefined;
}

/** A stretch of commits of one kind. */
type Phase = {
  readonly commits: number;
  /** Keys of each commit, and of how many they are drawn. */
  readonly touched: number;
  readonly keys: number;
  readonly bytes: number;
  /** Time passes by this from one commit to the next. */
  readonly stepMs: number;
};

const phases: fc.Arbitrary<Phase[]> = fc.array(
  fc.oneof(
    // Small: entries that are self-contained.
    fc.record({
      commits: fc.integer({ min: 1, max: 3 * RING_SLOTS }),
      touched: fc.integer({ min: 1, max: 4 }),
      keys: fc.integer({ min: 1, max: 8 }),
      bytes: fc.constantFrom(1, 20, 200),
      stepMs: fc.constantFrom(0, 1, WINDOW_MS, 3 * WINDOW_MS),
    }),
    // Large: chunks that are split.
    fc.record({
      commits: fc.integer({ min: RING_SLOTS / 2, max: 4 * RING_SLOTS }),
      touched: fc.integer({ min: 5, max: 30 }),
      keys: fc.integer({ min: 50, max: 2_000 }),
      bytes: fc.constantFrom(50, 500, 3_000),
      stepMs: fc.constantFrom(0, 0, 0, 1),
    }),
  ),
  { minLength: 1, maxLength: 8, size: "max" },
);

describe("L7: the state of a task is what its input says", () => {
  test.each([
    ["that lasts", lasting, ["last"], 1],
    ["of windows that close", passing, ["window"], 1],
    ["of both kinds", both, ["last", "window"], 1],
    ["that two environments write in turn", both, ["last", "window"], 2],
    ["of windows that three environments write in turn", passing, ["window"], 3],
  ] as const)(
    "state %s, through chunks, laps of the ring and reopening",
    async (_, tested, kinds, environments) => {
      await fc.assert(
        fc.asyncProperty(phases, fc.integer(), async (plan, seed) => {
          const random = createRandom(seed);
          const below = (n: number) => Math.floor(random() * n);
          const task = await new OneTask(tested, environments).begin();
          const reference = new Reference(...kinds);
          let nowMs = 0;
          let environment = 0;
          const compare = async () => expect(firstDifference(await task.cells(), reference.cells())).toBe(undefined);
          for (const { commits: count, touched, keys, bytes, stepMs } of plan) {
            for (let i = 0; i < count; i++) {
              const sent = Array.from({ length: touched }, () => {
                const at = below(NOISE.length - bytes);
                return { key: `k${below(keys)}`, value: NOISE.slice(at, at + bytes), timestampMs: nowMs };
              });
              if (below(5) === 0) environment = below(environments);
              await task.send(sent, environment);
              reference.add(sent, nowMs);
              nowMs += stepMs;
              if (below(20) === 0) task.restart(below(environments));
              if (below(40) === 0) await compare();
            }
            await compare();
            // Everything that passes is gone: shrinking to nothing.
            if (below(3) === 0) {
              nowMs += 5 * WINDOW_MS;
              await task.tick(nowMs - 1, below(environments));
              reference.advance(nowMs - 1);
              await compare();
            }
          }
        }),
        { numRuns: RUNS, endOnFailure: true, interruptAfterTimeLimit: RUNS * 1_000 },
      );
    },
    600_000,
  );
});

/** Batches of one value of `bytes` for each of these keys. */
function batch(keys: readonly string[], bytes: number, timestampMs: number, shift: number): Sent[] {
  return keys.map((key, i) => {
    const at = ((i + shift) * (bytes + 7)) % (NOISE.length - bytes);
    return { key, value: NOISE.slice(at, at + bytes), timestampMs };
  });
}

const keysOf = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`);

const total = (parts: readonly { readonly length: number }[]) => parts.reduce((sum, { length }) => sum + length, 0);

/** Fills a task with values that last, far beyond one chunk, and waits until all chunks are written. */
async function fill(task: OneTask, keys: readonly string[], bytes: number, environments = 1): Promise<void> {
  for (let i = 0; i < keys.length; i += 100) await task.send(batch(keys.slice(i, i + 100), bytes, 0, i));
  for (let i = 0; i < 4 * RING_SLOTS; i++) {
    await task.send(batch(["hot"], bytes, 0, i), i % environments);
  }
}

const isSegment = ({ range }: { readonly range: string }) => range.startsWith("log-");

describe("what is written is proportional to what is touched", { timeout: 120_000 }, () => {
  const KEYS = 1_500;
  const BYTES = 1_000;
  const COMMITS = 4 * RING_SLOTS;

  test("a hot key costs its entries, and those once more", async () => {
    const task = await new OneTask(lasting).begin();
    await fill(task, keysOf(KEYS), BYTES);
    task.takeWritten();
    for (let i = 0; i < COMMITS; i++) await task.send(batch(["hot"], BYTES, 0, i));
    const { entries, chunks } = task.takeWritten();
    const changed = total(entries.map(({ changes }) => changes));
    expect(changed).toBeLessThan(COMMITS * BYTES * 1.5);
    expect(total(chunks.filter(isSegment).map(({ bytes }) => bytes))).toBeLessThan(changed * 1.2);
    const ranges = chunks.filter((chunk) => !isSegment(chunk));
    expect(new Set(ranges.map(({ range }) => range)).size).toBeLessThanOrEqual(1);
    expect(ranges.length).toBeLessThanOrEqual(1);
  });

  test("many keys cost a multiple of what changes, however many more there are; and the log stays in proportion", async () => {
    const task = await new OneTask(lasting).begin();
    const keys = keysOf(6_000);
    await fill(task, keys, BYTES);
    const touch = async (commits: number, from: number) => {
      for (let i = 0; i < commits; i++)
        await task.send(
          batch(
            Array.from({ length: 10 }, (_, j) => keys[((from + i) * 3_571 + j * 613) % keys.length] as string),
            BYTES,
            0,
            from + i,
          ),
        );
    };
    await touch(600, 0);
    task.takeWritten();
    await touch(300, 600);
    const { entries, chunks } = task.takeWritten();
    const changed = total(entries.map(({ changes }) => changes));
    expect(total(chunks.map(({ bytes }) => bytes))).toBeLessThan(changed * 5);
    const { head, ledger } = await task.open();
    const length = ((head?.sequenceNumber ?? 0) - (head?.covered ?? 0)) * (changed / entries.length);
    expect(length).toBeLessThan(ledger.chunkBytes * 0.75);
    expect(length).toBeGreaterThan(ledger.chunkBytes * 0.25);
  });

  test("a small state keeps to its ring", async () => {
    const task = await new OneTask(lasting).begin();
    for (let i = 0; i < COMMITS; i++)
      await task.send(batch(keysOf(300).slice((i % 30) * 10, (i % 30) * 10 + 10), 200, 0, i));
    const { chunks } = task.takeWritten();
    expect(chunks.length).toBeGreaterThan(0);
    expect(chunks.filter(isSegment)).toEqual([]);
    expect(chunks.length).toBeLessThanOrEqual(COMMITS / 20);
  });

  test("a window that closes costs the chunks of its own keys, not of all others", async () => {
    const task = await new OneTask(both).begin();
    await fill(task, keysOf(KEYS), BYTES);
    task.takeWritten();
    for (let i = 0; i < COMMITS; i++) await task.send(batch(["hot"], BYTES, i * WINDOW_MS, i));
    const chunks = task.takeWritten().chunks.filter((chunk) => !isSegment(chunk));
    // The window that was open first, with all keys, costs every range once.
    const rewritten = chunks.filter(({ range }, i) => chunks.findIndex((chunk) => chunk.range === range) < i);
    expect(new Set(rewritten.map(({ range }) => range)).size).toBeLessThanOrEqual(1);
  });

  test.each([1, 2, 3])("chunks are split although %i environments write in turn", async (environments) => {
    const task = await new OneTask(lasting, environments).begin();
    await fill(task, keysOf(KEYS), BYTES, environments);
    task.takeWritten();
    for (let i = 0; i < COMMITS; i++) await task.send(batch(keysOf(20), BYTES, 0, i), Math.floor(i / 3) % environments);
    const { chunks } = task.takeWritten();
    expect(chunks.length).toBeGreaterThan(0);
    for (const { bytes } of chunks) expect(bytes.length).toBeLessThan(192 * 1024);
  });

  test("a chunk that one environment wrote is not written again by the next, but once in half a lap", async () => {
    const task = await new OneTask(lasting, 2).begin();
    await task.send(batch(["small"], 10, 0, 0));
    for (let i = 0; i < 3 * RING_SLOTS; i++)
      await task.send(batch(keysOf(900).slice((i % 30) * 30, (i % 30) * 30 + 30), BYTES, 0, i), i % 2);
    const { chunks } = task.takeWritten();
    expect(chunks.filter(({ range }) => range === "0-0").length).toBeLessThanOrEqual(6);
  });

  test("a few keys with large values are not split for ever", async () => {
    const task = await new OneTask(lasting).begin();
    for (let i = 0; i < 8 * RING_SLOTS; i++) await task.send(batch([`large-${i % 4}`], 200_000, 0, i));
    expect((await task.open()).state.level).toBeLessThanOrEqual(2);
    for (let i = 0; i < 8; i++) await task.send(batch([`large-${i % 4}`], 200_000, 0, i));
  });

  test("a task that has shrunk is one entry again", async () => {
    const task = await new OneTask(passing).begin();
    for (let i = 0; i < 3 * RING_SLOTS; i++)
      await task.send(batch(keysOf(400).slice((i % 10) * 40, (i % 10) * 40 + 40), BYTES, 0, i));
    expect((await task.open()).state.level).toBeGreaterThan(0);
    await task.tick(WINDOW_MS);
    task.takeWritten();
    for (let i = 0; i < 3 * RING_SLOTS; i++) await task.send(batch(["one"], 10, WINDOW_MS * (i + 2), i));
    const { entries, chunks } = task.takeWritten();
    expect(chunks).toEqual([]);
    expect(entries.every(({ selfContained, changes }) => selfContained && changes.length < 1_024)).toBe(true);
  });
});
