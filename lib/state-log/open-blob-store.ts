/** Opens the store of large chunks at the place that a person names: `s3://bucket/prefix`, or a folder. The client for S3 is loaded only where it is asked for. */

import { posix, resolve } from "node:path";
import { MillraceError } from "../stream/error.ts";
import type { AwsSettings } from "./aws-call.ts";
import type { BlobStore } from "./blob-store.ts";
import { FolderBlobStore } from "./folder-blob-store.ts";

const S3_PLACE = /^s3:\/\/([^/]+)(?:\/(.*))?$/;
/** A letter alone is a drive of Windows. */
const OTHER_SCHEME = /^[a-z][a-z0-9+.-]+:/i;

export type BlobPlaceSettings = AwsSettings & {
  /** Whose chunks they are, a part of every name: tables have the same names of tasks, and would sweep each other's. */
  readonly table: string;
  /** Where a path begins that says no more. */
  readonly folder: string;
};

/**
 * A bucket is looked at, so that what is wrong with it is said at once; at an endpoint of one's own it is made where it is missing, as tables are.
 * Throws MillraceError "usage" for a place that is neither, "state-store" where the bucket cannot be used.
 */
export async function openBlobStore(place: string, settings: BlobPlaceSettings): Promise<BlobStore> {
  const { table, folder, ...aws } = settings;
  const [, bucket, prefix = ""] = S3_PLACE.exec(place) ?? [];
  if (bucket === undefined && (OTHER_SCHEME.test(place) || place === ""))
    throw new MillraceError("usage", `Snapshots lie in s3://bucket/prefix or in a folder, not in "${place}".`);
  if (bucket === undefined) return new FolderBlobStore(resolve(folder, place, table));
  const { S3BlobStore } = await import("./s3-blob-store.ts");
  const store = new S3BlobStore({ ...aws, bucket, prefix: posix.join(prefix, table) });
  try {
    await store.open({ create: aws.endpoint !== undefined });
  } catch (error) {
    store.close();
    throw error;
  }
  return store;
}
