/**
 * Blobs as objects of a bucket in S3, or in anything that speaks its language. Loading this file loads the AWS SDK's client for S3.
 *
 * Invariants:
 * - An object's key holds the number and the attempt of its blob, so nobody overwrites another's (L4).
 * - What is read is what was put: S3 checks the digest of what arrives and keeps it beside the object, and it is compared with what comes back.
 */

import { createHash } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { MillraceError } from "../stream/error.ts";
import { type AwsSettings, CALL_TIMEOUTS, type CallTimeouts, callWithin, placeOf, toClientConfig } from "./aws-call.ts";
import { blobFile, folderPath, toNumberPiece } from "./blob-path.ts";
import type { BlobFolder, BlobName, BlobRequests, BlobStore } from "./blob-store.ts";
import { S3_CHUNK_BYTES_MIN } from "./s3-cost.ts";
import { toS3Failure } from "./s3-failure.ts";
import { S3Folder } from "./s3-folder.ts";
import { type S3RequestCounts, S3Requests } from "./s3-requests.ts";

/** What is used of the SDK's client. */
export type S3BlobClient = Pick<S3Client, "send" | "destroy">;

export type S3Settings = AwsSettings & {
  /** Best without versions, or with a rule that ends old ones: else what is deleted stays, and is charged for. */
  readonly bucket: string;
  /** Before every key, with or without a slash at the end. Default: none. */
  readonly prefix?: string;
  readonly timeouts?: Partial<CallTimeouts>;
  /** Carries the requests, and keeps to time-outs by itself. Default: the AWS SDK's, as the settings above say. */
  readonly client?: S3BlobClient;
};

/** The slowest network that is waited for: each 1,000 bytes on the way give a call another millisecond. */
const BYTES_PER_MS_MIN = 1_000;

/** How often a body is asked for that breaks off or arrives damaged; the SDK repeats only what fails before it. */
const READINGS_MAX = 2;

/** S3's own limit for a request that deletes. */
const DELETIONS_MAX = 1_000;

/** The name under which an object carries the digest of its bytes. */
const DIGEST = "sha256";

type CallOptions = { readonly abortSignal: AbortSignal; readonly requestTimeout: number };
type Answer = { readonly $metadata: { readonly attempts?: number | undefined } };
/** What is read of an answer's body. */
type Body = AsyncIterable<Uint8Array> & { destroy?(error?: Error): unknown };

type Reading = Uint8Array | "missing" | "broken-off" | "damaged";

export class S3BlobStore implements BlobStore {
  readonly kind = "s3";
  readonly place: string;
  readonly chunkBytesMin = S3_CHUNK_BYTES_MIN;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #at: string;
  readonly #timeouts: CallTimeouts;
  readonly #client: S3BlobClient;
  readonly #requests = new S3Requests();
  readonly #folders = new Map<string, S3Folder>();
  #closed = false;

  /** Connects with the first call. */
  constructor(settings: S3Settings) {
    const { bucket, prefix = "" } = settings;
    this.#bucket = bucket;
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
    this.place = `s3://${bucket}/${this.#prefix}`;
    this.#at = placeOf(settings);
    this.#timeouts = { ...CALL_TIMEOUTS, ...settings.timeouts };
    this.#client =
      settings.client ??
      new S3Client({
        ...toClientConfig(settings, this.#timeouts),
        // Other servers rarely have a name for each bucket.
        forcePathStyle: settings.endpoint !== undefined,
        // The digests are our own: one for the way there, the way back and the time between.
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
      });
  }

  /** What everything has cost since the store was opened. */
  get requests(): S3RequestCounts {
    return this.#requests.counts;
  }

  takeRequests(task: string): BlobRequests {
    return this.#requests.take(task);
  }

  /** Throws "state-store" where the bucket is missing, unless it is to be made, or may not be looked into. */
  async open({ create }: { readonly create: boolean }): Promise<void> {
    if (create) await this.#create();
    const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: this.#prefix, MaxKeys: 1 });
    await this.#call("ListObjectsV2", 0, (options) => this.#client.send(command, options));
    this.#requests.add(undefined, "list");
  }

  async put(name: BlobName, bytes: Uint8Array): Promise<void> {
    const key = this.#keyOf(name);
    this.#folderOf(name).add(key, name.number);
    const digest = digestOf(bytes);
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: bytes,
      ContentLength: bytes.byteLength,
      ChecksumSHA256: digest,
      Metadata: { [DIGEST]: digest },
    });
    await this.#call("PutObject", bytes.byteLength, (options) => this.#client.send(command, options));
    this.#requests.add(name.task, "put");
  }

  async get(name: BlobName, byteLength: number): Promise<Uint8Array | undefined> {
    const key = this.#keyOf(name);
    this.#folderOf(name).add(key, name.number);
    let found: Reading = "missing";
    for (let reading = 0; reading < READINGS_MAX; reading += 1) {
      found = await this.#read(name.task, key, byteLength);
      if (found === "missing") return undefined;
      if (typeof found !== "string") return found;
    }
    if (found === "broken-off")
      throw new MillraceError(
        "state-store",
        `S3 (${this.#at}) broke off in the middle of ${key} in bucket "${this.#bucket}", ${READINGS_MAX} times. It is tried again.`,
      );
    throw new MillraceError(
      "state-broken",
      `The snapshot ${key} in bucket "${this.#bucket}" is damaged: its bytes are not those that were put. Nothing was changed; restore the object, or start the function in a new generation.`,
    );
  }

  async delete(name: BlobName): Promise<void> {
    await this.#delete([this.#keyOf(name)]);
    this.#folderOf(name).remove(this.#keyOf(name));
  }

  async sweep(folder: BlobFolder, number: number): Promise<void> {
    const known = this.#folderOf(folder);
    const keys = known.isListingDue()
      ? await this.#listBelow(folder, `${this.#prefix}${folderPath(folder)}/`, number)
      : known.below(number);
    await this.#delete(keys);
    known.swept(number);
  }

  close(): void {
    this.#closed = true;
    this.#client.destroy();
  }

  async #read(task: string, key: string, byteLength: number): Promise<Reading> {
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
    const { found } = await this.#call("GetObject", byteLength, async (options) => {
      const answer = await unlessMissing(this.#client.send(command, options));
      this.#requests.add(task, "get");
      const isThere = answer !== undefined && (answer.ContentLength ?? byteLength) === byteLength;
      const body = answer?.Body as Body | undefined;
      let found: Reading = isThere ? await readBody(body, byteLength, options.abortSignal) : "missing";
      if (!isThere) body?.destroy?.();
      if (typeof found !== "string" && digestOf(found) !== answer?.Metadata?.[DIGEST]) found = "damaged";
      return { found, $metadata: answer?.$metadata ?? {} };
    });
    return found;
  }

  /** S3 lists in the order of keys, in pages. */
  async #listBelow({ task }: BlobFolder, prefix: string, number: number): Promise<string[]> {
    const keys: string[] = [];
    const below = prefix + toNumberPiece(number);
    let from: string | undefined;
    // Ends: every page starts behind the one before it.
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: prefix,
        ...(from === undefined ? {} : { ContinuationToken: from }),
      });
      const page = await this.#call("ListObjectsV2", 0, (options) => this.#client.send(command, options));
      this.#requests.add(task, "list");
      for (const { Key: key } of page.Contents ?? []) {
        if (key === undefined || key >= below) return keys;
        keys.push(key);
      }
      from = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (from !== undefined);
    return keys;
  }

  /** One at a time is certainly free; many are rare, and cost less time together. */
  async #delete(keys: readonly string[]): Promise<void> {
    const [only] = keys;
    if (only !== undefined && keys.length === 1) {
      const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: only });
      await this.#call("DeleteObject", 0, (options) => this.#client.send(command, options));
      return;
    }
    for (let from = 0; from < keys.length; from += DELETIONS_MAX) {
      const objects = keys.slice(from, from + DELETIONS_MAX).map((key) => ({ Key: key }));
      const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects: objects, Quiet: true } });
      await this.#call("DeleteObjects", 0, async (options) => {
        const answer = await this.#client.send(command, options);
        const [failed] = answer.Errors ?? [];
        if (failed !== undefined)
          throw Object.assign(new Error(failed.Message ?? ""), { name: failed.Code ?? "Error" });
        return answer;
      });
    }
  }

  async #create(): Promise<void> {
    const command = new CreateBucketCommand({ Bucket: this.#bucket });
    try {
      await this.#call("CreateBucket", 0, (options) => this.#client.send(command, options));
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Error) || !/^BucketAlready(OwnedByYou|Exists)$/.test(cause.name)) throw error;
    }
  }

  async #call<T extends Answer>(
    operation: string,
    bytes: number,
    send: (options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const { requestMs, callMs } = this.#timeouts;
    const onTheWayMs = Math.ceil(bytes / BYTES_PER_MS_MIN);
    const deadlineMs = callMs + onTheWayMs;
    if (this.#closed) throw new MillraceError("state-store", `The snapshots in ${this.place} are no longer open.`);
    try {
      const answer = await callWithin(deadlineMs, (abortSignal) =>
        send({ abortSignal, requestTimeout: requestMs + onTheWayMs }),
      );
      this.#requests.addRetries((answer.$metadata.attempts ?? 1) - 1);
      return answer;
    } catch (error) {
      throw toS3Failure(error, { bucket: this.#bucket, at: this.#at, operation, deadlineMs });
    }
  }

  #keyOf(name: BlobName): string {
    return `${this.#prefix}${folderPath(name)}/${blobFile(name)}`;
  }

  #folderOf(folder: BlobFolder): S3Folder {
    const path = folderPath(folder);
    let known = this.#folders.get(path);
    if (known === undefined) {
      known = new S3Folder();
      this.#folders.set(path, known);
    }
    return known;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchKey") return undefined;
    throw error;
  }
}

/** The body, until the deadline, which the SDK keeps only up to the answer's head. */
async function readBody(
  body: Body | undefined,
  byteLength: number,
  deadline: AbortSignal,
): Promise<Uint8Array | "broken-off"> {
  const stop = () => body?.destroy?.(new Error("deadline"));
  deadline.addEventListener("abort", stop, { once: true });
  const bytes = new Uint8Array(byteLength);
  let length = 0;
  try {
    for await (const piece of body ?? []) {
      if (length + piece.byteLength > byteLength) return "broken-off";
      bytes.set(piece, length);
      length += piece.byteLength;
    }
    return length === byteLength ? bytes : "broken-off";
  } catch (error) {
    if (deadline.aborted) throw Object.assign(new Error("aborted", { cause: error }), { name: "AbortError" });
    return "broken-off";
  } finally {
    deadline.removeEventListener("abort", stop);
  }
}
