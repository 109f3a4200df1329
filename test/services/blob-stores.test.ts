/** Blobs in DynamoDB's parts and in S3 keep the contract, unchanged; those in a folder do so beside the folder's own tests. */

import { afterAll, beforeAll } from "vitest";
import type { BlobStore } from "../../lib/state-log/blob-store.ts";
import { DynamoDbTable } from "../../lib/state-log/dynamodb-client.ts";
import { DynamoDbParts } from "../../lib/state-log/dynamodb-parts.ts";
import { S3BlobStore } from "../../lib/state-log/s3-blob-store.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { S3_CREDENTIALS, type S3Server, startS3 } from "../../tools/services/s3.ts";
import { testBlobStore } from "../contracts/blob-store.contract.ts";

let dynamodb: DynamoDbLocal;
let s3: S3Server;
beforeAll(async () => {
  [dynamodb, s3] = await Promise.all([startDynamoDbLocal(), startS3()]);
});
afterAll(() => Promise.all([dynamodb?.stop(), s3?.stop()]));

/** Makes stores, all of which are closed at the end. */
function closingAll<T extends BlobStore>(make: () => T, closeOne: (store: T) => void) {
  const made: T[] = [];
  const another = (): T => {
    const store = make();
    made.push(store);
    return store;
  };
  return { another, close: async () => made.forEach(closeOne) };
}

testBlobStore("blobs in parts in DynamoDB", async (table) => {
  const client = new DynamoDbTable({ endpoint: dynamodb.endpoint, table });
  await client.open({ create: true });
  return { another: () => new DynamoDbParts(client), close: async () => client.close() };
});

testBlobStore("blobs in S3", async (bucket) => {
  const settings = { endpoint: s3.endpoint, credentials: S3_CREDENTIALS, bucket, prefix: "snapshots/of millrace" };
  const { another, close } = closingAll(
    () => new S3BlobStore(settings),
    (store) => store.close(),
  );
  await another().open({ create: true });
  return { another, close };
});
