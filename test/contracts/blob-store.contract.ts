/** What every store of blobs does, whatever it is made of. Tasks get fresh names, so that a server may be shared and never cleaned. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BlobName, BlobStore } from "../../lib/state-log/blob-store.ts";
import { bytesOf, digestOf } from "../state-log/blobs.ts";
import { newTask, range } from "../state-log/entries.ts";

const MEGABYTE = 1024 * 1024;

/**
 * Runs the suite. `open` is called with a name that no other store has, and gives stores of one place: each call of `another` is as another process would
 * see it. `close` is called at the end.
 */
export function testBlobStore(
  title: string,
  open: (name: string) => Promise<{ readonly another: () => BlobStore; readonly close: () => Promise<void> }>,
): void {
  describe(title, () => {
    let store: BlobStore;
    let another: () => BlobStore;
    let close: () => Promise<void>;
    beforeAll(async () => {
      ({ another, close } = await open(`blobs-${randomUUID()}`));
      store = another();
    });
    afterAll(() => close?.());

    const nameOf = (fields: Partial<BlobName> = {}): BlobName => ({
      task: newTask(),
      folder: "chunks/0-0",
      number: 1,
      attemptId: randomUUID(),
      ...fields,
    });

    /** Whether each blob of one byte is there, as a process sees it that knows nothing. */
    const arePresent = async (names: readonly BlobName[]) => {
      const fresh = another();
      const found = await Promise.all(names.map((name) => fresh.get(name, 1)));
      return found.map((bytes) => bytes !== undefined);
    };
    const putAll = async (names: readonly BlobName[]) => {
      const fresh = another();
      await Promise.all(names.map((name) => fresh.put(name, bytesOf(1))));
    };

    test.each([1, 2, 1_000, 384 * 1024 - 1, 384 * 1024, 384 * 1024 + 1, 5 * MEGABYTE])(
      "%i bytes come back as they were put, to whoever asks",
      async (length) => {
        const name = nameOf();
        const bytes = bytesOf(length);
        await store.put(name, bytes);
        for (const reader of [store, another()]) expect(digestOf(await reader.get(name, length))).toBe(digestOf(bytes));
      },
    );

    test("20 megabytes come back as they were put", async () => {
      const name = nameOf();
      const bytes = bytesOf(20 * MEGABYTE);
      await store.put(name, bytes);
      expect(digestOf(await another().get(name, bytes.byteLength))).toBe(digestOf(bytes));
      await store.delete(name, bytes.byteLength);
      expect(await store.get(name, bytes.byteLength)).toBeUndefined();
    });

    test("bytes in the middle of a larger buffer are put alone, and what happens to them afterwards changes nothing", async () => {
      const name = nameOf();
      const buffer = bytesOf(10_000);
      const expected = digestOf(buffer.slice(100, 9_000));
      await store.put(name, buffer.subarray(100, 9_000));
      buffer.fill(0);
      const read = await store.get(name, 8_900);
      expect(digestOf(read)).toBe(expected);
      read?.fill(0);
      expect(digestOf(await store.get(name, 8_900))).toBe(expected);
    });

    test("a repeat changes nothing", async () => {
      const name = nameOf();
      const bytes = bytesOf(MEGABYTE);
      await store.put(name, bytes);
      await another().put(name, bytes);
      expect(digestOf(await store.get(name, MEGABYTE))).toBe(digestOf(bytes));
    });

    test("one that was never put is missing, and deleting it is no failure", async () => {
      const name = nameOf();
      expect(await store.get(name, 10)).toBeUndefined();
      await store.delete(name, 10);
      await store.sweep(name, 100);
      await store.put({ ...name, number: 2 }, bytesOf(10));
      expect(await store.get(name, 10)).toBeUndefined();
      expect(await store.get({ ...name, number: 2, attemptId: "another" }, 10)).toBeUndefined();
    });

    test.each([
      [1_000, 999],
      [1_000, 1_001],
      [1_000_000, 400_000],
      [384 * 1024, 1_000_000],
    ])("one of %i bytes is not there for who expects %i", async (length, expected) => {
      const name = nameOf();
      await store.put(name, bytesOf(length));
      expect(digestOf(await store.get(name, expected))).toBeUndefined();
    });

    test("one that was deleted is missing, and the others are not", async () => {
      const [first, second] = [nameOf({ task: `t${randomUUID()}` }), nameOf()];
      const beside = { ...first, attemptId: randomUUID() };
      await putAll([first, second, beside]);
      await store.delete(first, 1);
      expect(await arePresent([first, second, beside])).toEqual([false, true, true]);
    });

    test("L4: writers of one number at the same time each keep their own", async () => {
      const name = nameOf();
      const writers = range(1, 8).map((seed) => ({
        name: { ...name, attemptId: `w${seed}` },
        bytes: bytesOf(500_000, seed),
      }));
      await Promise.all(writers.map(({ name, bytes }) => another().put(name, bytes)));
      for (const { name, bytes } of writers)
        expect(digestOf(await store.get(name, bytes.byteLength))).toBe(digestOf(bytes));
    });

    test("a sweep takes what is below its number, in its folder alone", async () => {
      const name = nameOf({ number: 9 });
      const below = [1, 2, 8].map((number) => ({ ...name, number }));
      const rest = [
        name,
        { ...name, number: 10 },
        { ...name, number: Number.MAX_SAFE_INTEGER },
        { ...name, number: 1, folder: "chunks/0-01" },
        { ...name, number: 1, folder: "chunks" },
        { ...name, number: 1, task: `${name.task}/chunks` },
        { ...name, number: 1, task: name.task.slice(0, -1) },
      ];
      await putAll([...below, ...rest]);
      await store.sweep(name, 9);
      expect(await arePresent(below)).toEqual(below.map(() => false));
      expect(await arePresent(rest)).toEqual(rest.map(() => true));
    });

    test("a sweep finds what nobody remembers: several attempts of several numbers, large ones too", async () => {
      const name = nameOf({ number: 50 });
      const lost = range(1, 40).map((n) => ({ ...name, number: Math.ceil(n / 4), attemptId: `lost-${n}` }));
      await putAll(lost);
      const large = { ...name, number: 11 };
      await another().put(large, bytesOf(MEGABYTE));
      await putAll([name]);
      await another().sweep(name, 50);
      expect(await arePresent(lost)).toEqual(lost.map(() => false));
      expect(await store.get(large, MEGABYTE)).toBeUndefined();
      expect(await arePresent([name])).toEqual([true]);
    });

    test("sweeps go on as numbers do", async () => {
      const name = nameOf();
      const process = another();
      for (const number of range(1, 70)) {
        await process.put({ ...name, number }, bytesOf(1));
        await process.sweep(name, number);
      }
      const names = range(60, 70).map((number) => ({ ...name, number }));
      expect(await arePresent(names)).toEqual(names.map(({ number }) => number === 70));
    });

    test("names may be anything", async () => {
      const tasks = [
        "größe's %_? #1",
        "a//b",
        "../up",
        "CON",
        "con",
        "x".repeat(300),
        "𝄞\u0000\n",
        ".",
        "a b+c&d=e",
        "",
      ];
      const names = tasks.flatMap((task) =>
        ["chunks/7-%2F", "../..", "ENTRIES", "entries"].map((folder) =>
          nameOf({ task: task + randomUUID().slice(0, 4), folder }),
        ),
      );
      const odd = [...names, nameOf({ attemptId: "é\u0000𝄞'\"/.." }), nameOf({ attemptId: "" })];
      await Promise.all(odd.map((name, i) => store.put(name, bytesOf(100, i))));
      const read = await Promise.all(odd.map((name) => another().get(name, 100)));
      expect(read.map(digestOf)).toEqual(odd.map((_, i) => digestOf(bytesOf(100, i))));
      await Promise.all(odd.map((name) => another().sweep(name, 2)));
      expect(await Promise.all(odd.map((name) => another().get(name, 100)))).toEqual(odd.map(() => undefined));
    });

    test("names that differ in capitals alone are two", async () => {
      const id = randomUUID();
      const names = [nameOf({ task: `task-a-${id}` }), nameOf({ task: `task-A-${id}` })];
      const both = names.map((name) => ({ ...name, attemptId: "one" }));
      await Promise.all(both.map((name, i) => store.put(name, bytesOf(10, i))));
      await store.sweep(both[0] as BlobName, 2);
      expect(await store.get(both[0] as BlobName, 10)).toBeUndefined();
      expect(digestOf(await store.get(both[1] as BlobName, 10))).toBe(digestOf(bytesOf(10, 1)));
    });
  });
}
