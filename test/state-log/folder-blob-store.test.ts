/** Blobs in a folder keep the contract; what is damaged or cannot be written is said. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FolderBlobStore } from "../../lib/state-log/folder-blob-store.ts";
import { testBlobStore } from "../contracts/blob-store.contract.ts";
import { bytesOf } from "./blobs.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "millrace-blobs-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

testBlobStore("blobs in a folder", async (name) => {
  const folder = join(home, name);
  return { another: () => new FolderBlobStore(folder), close: async () => {} };
});

const NAME = { task: "shop/revenue/orders-0/1", folder: "chunks/7-12", number: 42, attemptId: "a" };

/** A store of its own with one blob, and the only file that it has. */
async function newStore(name: string): Promise<{ store: FolderBlobStore; file: string }> {
  const store = new FolderBlobStore(join(home, name));
  await store.put(NAME, bytesOf(1_000));
  const files = readdirSync(store.place, { recursive: true, encoding: "utf8", withFileTypes: true });
  const [only, ...others] = files.filter((entry) => entry.isFile());
  expect(others).toEqual([]);
  return { store, file: join(only?.parentPath ?? "", only?.name ?? "") };
}

test("the task, the range and the number can be read in the name of a file", async () => {
  const { store, file } = await newStore("readable");
  expect(file.slice(store.place.length)).toMatch(
    /^.shop_revenue_orders-0_1-[0-9a-f]{24}.chunks_7-12-[0-9a-f]{24}.0000000000000042-a-[0-9a-f]{24}$/,
  );
});

test("a file that was changed is broken state, and one that was cut off is missing", async () => {
  const { store, file } = await newStore("damaged");
  const content = readFileSync(file);
  writeFileSync(file, content.with(500, (content[500] as number) ^ 1));
  await expect(store.get(NAME, 1_000)).rejects.toMatchObject({
    code: "state-broken",
    message: expect.stringContaining("is damaged"),
  });
  writeFileSync(file, content.subarray(0, 900));
  expect(await store.get(NAME, 1_000)).toBeUndefined();
});

test("what a writer left that died before it gave the file its name is never read, and found by a sweep", async () => {
  const { store, file } = await newStore("died");
  const left = `${file.replace("0042", "0041")}.12345678`;
  writeFileSync(left, bytesOf(10));
  expect(await store.get({ ...NAME, number: 41 }, 10)).toBeUndefined();
  await store.sweep(NAME, 42);
  expect(readdirSync(join(file, ".."))).toEqual([file.slice(join(file, "..").length + 1)]);
});

test("a put that is swept while it is written fails nobody: nobody will name its blob", async () => {
  const { store } = await newStore("swept");
  const other = new FolderBlobStore(store.place);
  for (let round = 0; round < 20; round += 1)
    await Promise.all([
      store.put({ ...NAME, number: round, attemptId: "late" }, bytesOf(200_000)),
      ...Array.from({ length: 5 }, () => other.sweep(NAME, 42)),
    ]);
});

test("a folder that cannot be made is said", async () => {
  const { store, file } = await newStore("refused");
  const inFile = new FolderBlobStore(join(file, "below"));
  await expect(inFile.put(NAME, bytesOf(1))).rejects.toMatchObject({
    code: "state-store",
    message: expect.stringContaining("cannot be written"),
  });
  await expect(store.get({ ...NAME, task: "another" }, 1)).resolves.toBeUndefined();
});
