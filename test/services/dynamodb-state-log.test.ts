/** The state log in a real DynamoDB keeps the contract, unchanged, wherever its chunks lie. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { BlobStore } from "../../lib/state-log/blob-store.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { FolderBlobStore } from "../../lib/state-log/folder-blob-store.ts";
import { S3BlobStore } from "../../lib/state-log/s3-blob-store.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { S3_CREDENTIALS, type S3Server, startS3 } from "../../tools/services/s3.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";

let server: DynamoDbLocal;
let s3: S3Server;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "millrace-chunks-"));
  [server, s3] = await Promise.all([startDynamoDbLocal(), startS3()]);
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await Promise.all([server?.stop(), s3?.stop()]);
});

const open = async (table: string, chunkBlobs?: BlobStore) => {
  const where = { endpoint: server.endpoint, table, create: true };
  const log = await openDynamoDbStateLog(chunkBlobs === undefined ? where : { ...where, chunkBlobs });
  return { log, close: () => log.close() };
};

/** So that every chunk lies there, however small. */
const forAll = (blobs: BlobStore): BlobStore => Object.assign(blobs, { chunkBytesMin: -1 });

testStateLog("the state log in DynamoDB", (name) => open(name));

testStateLog("the state log in DynamoDB, all its chunks in S3", async (name) => {
  const blobs = new S3BlobStore({ endpoint: s3.endpoint, credentials: S3_CREDENTIALS, bucket: name });
  await blobs.open({ create: true });
  return open(name, forAll(blobs));
});

testStateLog("the state log in DynamoDB, all its chunks in a folder", (name) =>
  open(name, forAll(new FolderBlobStore(join(home, name)))),
);
