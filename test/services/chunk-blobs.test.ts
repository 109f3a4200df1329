/** Large chunks in S3 and in a folder: when they lie there, what is left behind and what is not, and readers who are overtaken meanwhile. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BlobStore } from "../../lib/state-log/blob-store.ts";
import { type DynamoDbStateLog, openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { FolderBlobStore } from "../../lib/state-log/folder-blob-store.ts";
import { S3BlobStore } from "../../lib/state-log/s3-blob-store.ts";
import { S3_CHUNK_BYTES_MIN } from "../../lib/state-log/s3-cost.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { S3_CREDENTIALS, type S3Server, startS3 } from "../../tools/services/s3.ts";
import { bytesOf, digestOf } from "../state-log/blobs.ts";
import { appendUpTo, entry, newTask } from "../state-log/entries.ts";
import { LossyProxy } from "./lossy-proxy.ts";

const MEGABYTE = 1024 * 1024;
const table = `chunks-${randomUUID()}`;
const bucket = `chunks-${randomUUID()}`;

let server: DynamoDbLocal;
let s3: S3Server;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "millrace-chunks-"));
  [server, s3] = await Promise.all([startDynamoDbLocal(), startS3()]);
  const blobs = inS3();
  await blobs.open({ create: true });
  blobs.close();
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await Promise.all([server?.stop(), s3?.stop()]);
});

const inS3 = () => new S3BlobStore({ endpoint: s3.endpoint, credentials: S3_CREDENTIALS, bucket });

/** The files below a folder whose path says of which task they are; S3's server keeps a file for each object. */
function filesOf(folder: string, task: string): string[] {
  const readable = task.replaceAll(/[^a-z0-9-]+/gi, "_");
  return readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((one) => one.isFile() && one.parentPath.includes(readable))
    .map((one) => join(one.parentPath, one.name));
}

const chunk = (asOf: number, length: number) => ({ range: "0-0", asOf, bytes: bytesOf(length, asOf) });

const PLACES: readonly [title: string, blobs: () => BlobStore, folderOf: () => string][] = [
  ["S3", inS3, () => s3.folder],
  ["a folder", () => new FolderBlobStore(home), () => home],
];

describe.each(PLACES)("in %s", (_, blobs, folderOf) => {
  const open = (options: { endpoint?: string; chunkBlobs?: BlobStore } = {}) =>
    openDynamoDbStateLog({ endpoint: server.endpoint, table, create: true, chunkBlobs: blobs(), ...options });
  const blobsOf = (task: string) => filesOf(folderOf(), task);

  let log: DynamoDbStateLog;
  beforeAll(async () => {
    log = await open();
  });
  afterAll(() => log?.close());

  test("a chunk lies in its item up to 32 KB, and beside it above", async () => {
    const task = newTask();
    await log.putChunk(task, chunk(1, S3_CHUNK_BYTES_MIN));
    expect(blobsOf(task)).toEqual([]);
    await log.putChunk(task, chunk(2, S3_CHUNK_BYTES_MIN + 1));
    expect(blobsOf(task)).toHaveLength(1);
    const large = log.takeUnits(task);
    expect(large.write).toBe(33 + 33);
    await log.putChunk(task, chunk(3, 3 * S3_CHUNK_BYTES_MIN));
    expect(log.takeUnits(task).write).toBe(1);
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(3, 3 * S3_CHUNK_BYTES_MIN)]));
  });

  test("one of several megabytes is kept whole, and the one before it is swept", async () => {
    const task = newTask();
    await log.putEntry(task, entry(1));
    for (const asOf of [3, 5, 9]) {
      await log.putChunk(task, chunk(asOf, 3 * MEGABYTE + asOf));
      expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(asOf, 3 * MEGABYTE + asOf)]));
      expect(blobsOf(task)).toHaveLength(1);
    }
    expect((await log.tasks()).find((head) => head.task === task)?.chunkBytes).toBe(3 * MEGABYTE + 9);
    await log.putChunk(task, chunk(10, 10));
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(10, 10)]));
    expect(blobsOf(task)).toEqual([]);
  });

  test("L6: a refused one counts as durable, takes its own bytes away, and never the winner's", async () => {
    const task = newTask();
    await log.putChunk(task, chunk(5, MEGABYTE));
    const before = blobsOf(task);
    for (const asOf of [4, 5]) await log.putChunk(task, chunk(asOf, 2 * MEGABYTE));
    expect(blobsOf(task)).toEqual(before);
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
  });

  test("L6: of writers in several processes the latest remains, and in the end only its bytes", async () => {
    const task = newTask();
    const logs = await Promise.all([1, 2, 3].map(() => open()));
    const numbers = [3, 9, 1, 7, 2, 9, 8];
    await Promise.all(numbers.map((asOf, i) => logs[i % 3]?.putChunk(task, chunk(asOf, MEGABYTE))));
    for (const reader of [log, ...logs])
      expect(digestOf(await reader.readChunks(task))).toEqual(digestOf([chunk(9, MEGABYTE)]));
    await log.putChunk(task, chunk(11, MEGABYTE));
    expect(blobsOf(task)).toHaveLength(1);
    for (const one of logs) await one.close();
  });

  test("L6: after a lost reply one is found to be its own, and keeps its bytes", async () => {
    const task = newTask();
    await using proxy = await new LossyProxy(server.endpoint).listen();
    const through = await open({ endpoint: proxy.endpoint });
    let lost = 0;
    proxy.losesReply = ({ input }) => String(Object(input.Item).pk?.S).startsWith("chunks#") && lost++ === 0;
    await through.putChunk(task, chunk(5, MEGABYTE));
    expect(lost).toBe(2);
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
    await through.close();
  });

  test("bytes are durable before the item that names them is put", async () => {
    const task = newTask();
    await using proxy = await new LossyProxy(server.endpoint).listen();
    const through = await open({ endpoint: proxy.endpoint });
    let found: string[] = [];
    proxy.before = ({ operation }) => {
      if (operation === "PutItem") found = blobsOf(task);
    };
    await through.putChunk(task, chunk(5, MEGABYTE));
    expect(found).toHaveLength(1);
    expect(blobsOf(task)).toEqual(found);
    await through.close();
  });

  test("bytes of a writer that died before its item are found by a later sweep of another process", async () => {
    const task = newTask();
    await using proxy = await new LossyProxy(server.endpoint).listen();
    const dying = await open({ endpoint: proxy.endpoint });
    proxy.before = ({ operation }) => {
      if (operation === "PutItem") throw new Error("dies");
    };
    await expect(dying.putChunk(task, chunk(5, MEGABYTE))).rejects.toMatchObject({ code: "state-store" });
    await dying.close();
    expect(blobsOf(task)).toHaveLength(1);
    expect(await log.readChunks(task)).toEqual([]);
    await log.putChunk(task, chunk(4, MEGABYTE));
    const later = await open();
    await later.readChunks(task);
    await later.putChunk(task, chunk(6, MEGABYTE));
    expect(blobsOf(task)).toHaveLength(1);
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(6, MEGABYTE)]));
    await later.close();
  });

  test("L8: a reader whose chunk is replaced meanwhile starts again with the later one", async () => {
    const task = newTask();
    await log.putChunk(task, chunk(5, MEGABYTE));
    let replaced: Promise<unknown> | undefined;
    const overtaken = Object.assign(blobs(), {
      get: async (...read: Parameters<BlobStore["get"]>) => {
        await (replaced ??= log.putChunk(task, chunk(8, MEGABYTE + 5)));
        return fresh.get(...read);
      },
    });
    const fresh = blobs();
    const slow = await open({ chunkBlobs: overtaken });
    expect(digestOf(await slow.readChunks(task))).toEqual(digestOf([chunk(8, MEGABYTE + 5)]));
    expect(replaced).toBeDefined();
    await slow.close();
    fresh.close?.();
  });

  test("L8: bytes that are missing although their item stands are a broken log, said as such and with the place", async () => {
    const task = newTask();
    await appendUpTo(log, task, 3);
    await log.putChunk(task, chunk(2, MEGABYTE));
    const { place } = blobs();
    for (const file of blobsOf(task)) rmSync(file);
    const broken = { code: "state-broken", message: expect.stringContaining(`are missing in ${place}`) };
    await expect(log.readChunks(task)).rejects.toMatchObject(broken);
    await expect(openLog(log, task)).rejects.toThrow("has lost bytes");
  });

  test("a log that was opened without the place says so, and changes nothing", async () => {
    const task = newTask();
    await log.putChunk(task, chunk(5, MEGABYTE));
    const without = await openDynamoDbStateLog({ endpoint: server.endpoint, table });
    await expect(without.readChunks(task)).rejects.toMatchObject({
      code: "state-unusable",
      message: expect.stringContaining("opened without the place"),
    });
    await without.close();
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
  });

  test("chunks that were in parts before there was a place are read, and swept when they are replaced", async () => {
    const task = newTask();
    const before = await openDynamoDbStateLog({ endpoint: server.endpoint, table });
    await before.putChunk(task, chunk(5, MEGABYTE));
    expect(digestOf(await log.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
    await using proxy = await new LossyProxy(server.endpoint).listen();
    const after = await open({ endpoint: proxy.endpoint });
    await after.readChunks(task);
    await after.putChunk(task, chunk(6, MEGABYTE));
    expect(proxy.answered.filter(({ operation }) => operation === "DeleteItem")).toHaveLength(3);
    expect(digestOf(await after.readChunks(task))).toEqual(digestOf([chunk(6, MEGABYTE)]));
    for (const one of [before, after]) await one.close();
  });

  test("a store that fails fails the put; the log goes on, and the chunk before it stays", async () => {
    const task = newTask();
    await log.putChunk(task, chunk(5, MEGABYTE));
    const failing = Object.assign(blobs(), {
      put: async () => {
        throw new MillraceError("state-store", "No room.");
      },
    });
    const through = await open({ chunkBlobs: failing });
    await expect(through.putChunk(task, chunk(6, MEGABYTE))).rejects.toThrow("No room.");
    expect(await append(through, task, entry(1))).toEqual({ kind: "won" });
    expect(digestOf(await through.readChunks(task))).toEqual(digestOf([chunk(5, MEGABYTE)]));
    await through.close();
  });
});

test("requests to S3 are reported beside the units of the table, per task", async () => {
  const log = await openDynamoDbStateLog({ endpoint: server.endpoint, table, create: true, chunkBlobs: inS3() });
  const task = newTask();
  await log.putChunk(task, chunk(1, MEGABYTE));
  await log.putChunk(task, chunk(2, MEGABYTE));
  await log.putChunk(task, chunk(3, MEGABYTE));
  await log.readChunks(task);
  // The first sweep of a range lists, the second deletes by name.
  expect(log.takeUnits(task)).toEqual({ read: expect.any(Number), write: 3, requests: { put: 3, get: 1, list: 1 } });
  expect(log.takeUnits(task)).toEqual({ read: 0, write: 0, requests: { put: 0, get: 0, list: 0 } });
  await log.close();
  await expect(log.readChunks(task)).rejects.toMatchObject({ code: "state-store" });
});
