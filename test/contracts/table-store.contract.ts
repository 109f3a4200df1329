/** What every store of tables must do: of all puts of a row the one of the highest version stays. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../../lib/local/read-table.ts";
import type { TablePlan } from "../../lib/stream/plan.ts";
import type { StoredRow, TableStore } from "../../lib/tables/table-store.ts";
import { type Attributes, toAttributes } from "../../lib/wire/attributes.ts";
import { type Row, type RowVersion, toVersion } from "../../lib/wire/row.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW = NOW_MS / 1_000;

const ofTask = (number: number, { task = "shop/count/lines-0", generation = 0, atMs = NOW_MS + number } = {}) =>
  toVersion(`${task}/${generation}`, number, atMs);

/** Runs the suite against what `open` gives. */
export function testTableStore(title: string, open: () => Promise<TableStore>): void {
  describe(title, () => {
    let store: TableStore;
    const plan: TablePlan = {
      name: `t-${randomUUID()}`,
      partitionKey: { name: "word", type: "string" },
      sortKey: { name: "startMs", type: "number" },
      ttlAttribute: "ttl",
    };
    let rows = 0;

    beforeAll(async () => {
      store = await open();
      await store.ensureTables([plan]);
    });
    afterAll(() => store?.close());

    const row = (word: string, attributes: object | null, expiresAt: number | null = null, startMs = 0): Row => ({
      key: toAttributes({ word, startMs }, "key"),
      attributes: attributes === null ? null : toAttributes(attributes, "item"),
      expiresAt,
    });
    const put = (version: RowVersion, ...put: Row[]) => store.put(plan.name, put, version, "shop/count/lines-0/0");
    const all = async (): Promise<StoredRow[]> => {
      const found: StoredRow[] = [];
      for await (const one of store.read(plan, NOW_MS)) found.push(one);
      return found;
    };
    const find = async (word: string) => (await all()).filter(({ key }) => (key.word as { S: string }).S === word);
    const attributesOf = async (word: string) => (await find(word)).map(({ attributes }) => attributes)[0];
    const newWord = () => `word-${++rows}`;
    const n = (count: number): Attributes => toAttributes({ count }, "item");

    test("a row is what was put last", async () => {
      const word = newWord();
      await put(ofTask(1), row(word, { count: 1, old: true }));
      await put(ofTask(2), row(word, { count: 2 }));
      expect(await attributesOf(word)).toEqual(n(2));
    });

    test("O2: a repeat changes nothing, and a zombie's repeat of an older commit neither", async () => {
      const word = newWord();
      await put(ofTask(7), row(word, { count: 7 }));
      await put(ofTask(8), row(word, { count: 8 }));
      await put(ofTask(8), row(word, { count: 8 }));
      await put(ofTask(7), row(word, { count: 7 }));
      expect(await attributesOf(word)).toEqual(n(8));
      expect((await find(word))[0]?.version).toEqual(ofTask(8));
    });

    test("commits are compared as numbers, not as texts", async () => {
      const word = newWord();
      await put(ofTask(10, { atMs: NOW_MS }), row(word, { count: 10 }));
      await put(ofTask(9, { atMs: NOW_MS }), row(word, { count: 9 }));
      expect(await attributesOf(word)).toEqual(n(10));
    });

    test("a deletion stays deleted, whatever older put comes late", async () => {
      const word = newWord();
      await put(ofTask(1), row(word, { count: 1 }));
      await put(ofTask(2), row(word, null, NOW + 1_000));
      expect(await find(word)).toEqual([]);
      await put(ofTask(1), row(word, { count: 1 }));
      expect(await find(word)).toEqual([]);
      await put(ofTask(3), row(word, { count: 3 }));
      expect(await attributesOf(word)).toEqual(n(3));
    });

    test("a late deletion does not take a newer row away", async () => {
      const word = newWord();
      await put(ofTask(2), row(word, { count: 2 }));
      await put(ofTask(1), row(word, null, NOW + 1_000));
      expect(await attributesOf(word)).toEqual(n(2));
    });

    test("a function that started over takes the rows of its former life, at whatever number", async () => {
      const word = newWord();
      await put(ofTask(900), row(word, { count: 900 }));
      await put(ofTask(1, { generation: 1, atMs: NOW_MS }), row(word, { count: 1 }));
      await put(ofTask(901, { atMs: NOW_MS + 5_000 }), row(word, { count: 901 }));
      expect(await attributesOf(word)).toEqual(n(1));
    });

    test("of two tasks of a function the one whose clock stands later wins, in either order", async () => {
      const other = ofTask(3, { task: "shop/count/lines-1", atMs: NOW_MS + 500 });
      const [first, second] = [newWord(), newWord()];
      await put(ofTask(80), row(first, { count: 80 }), row(second, { count: 80 }));
      await put(other, row(first, { count: 3 }), row(second, { count: 3 }));
      await put(ofTask(80), row(first, { count: 80 }));
      expect(await attributesOf(first)).toEqual(n(3));
      expect(await attributesOf(second)).toEqual(n(3));
    });

    test("of two functions the one whose clock stands later wins, whatever their generations", async () => {
      const word = newWord();
      const renamed = ofTask(1, { task: "shop/count-again/lines-0", atMs: NOW_MS + 500 });
      await put(ofTask(80, { generation: 7 }), row(word, { count: 80 }));
      await put(renamed, row(word, { count: 1 }));
      expect(await attributesOf(word)).toEqual(n(1));
      await put(ofTask(80, { generation: 7 }), row(word, { count: 80 }));
      expect(await attributesOf(word)).toEqual(n(1));
    });

    test("an expired row is not read", async () => {
      const word = newWord();
      await put(ofTask(1), row(word, { count: 1 }, NOW));
      expect(await find(word)).toEqual([]);
      await put(ofTask(2), row(word, { count: 2 }, NOW + 1));
      expect(await find(word)).toMatchObject([{ expiresAt: NOW + 1 }]);
    });

    test("values of every type come back", async () => {
      const word = newWord();
      const item = {
        text: "à🙂",
        empty: "",
        small: -1.5e-7,
        large: 12_345_678_901_234_567_890n,
        yes: true,
        none: null,
        bytes: Uint8Array.of(0, 255),
        list: [1, "a", [], {}],
        map: { nested: { deep: [null] } },
      };
      await put(ofTask(1), row(word, item));
      const rows = await readTable(store, plan, NOW_MS);
      expect(rows.find(({ key }) => key.word === word)?.attributes).toEqual(item);
    });

    test("many rows of a commit are all there, sorted by number where the sort key is one", async () => {
      const word = newWord();
      const many = Array.from({ length: 1_200 }, (_, i) => row(word, { count: i }, null, (i * 7) % 1_200));
      await put(ofTask(1), ...many);
      const found = (await readTable(store, plan, NOW_MS)).filter(({ key }) => key.word === word);
      expect(found.map(({ key }) => key.startMs)).toEqual(Array.from({ length: 1_200 }, (_, i) => i));
    });

    test("a table of another key is refused", async () => {
      await store.ensureTables([plan]);
      await expect(
        store.ensureTables([{ ...plan, sortKey: { name: "startMs", type: "string" } }]),
      ).rejects.toMatchObject({
        code: "state-unusable",
        message: expect.stringContaining("A table keeps its key: give the new one another name."),
      });
    });
  });
}
