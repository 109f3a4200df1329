/**
 * An S3 in memory for clients on simulated networks: the requests of the AWS SDK's commands, without HTTP, strongly consistent as S3 is.
 *
 * 1. A request takes effect in one go at the moment of its arrival, but that of DeleteObjects for each object by itself ("deletion-failed").
 * 2. A listing is of one page, as of one moment, and a page may be short ("page-short"): what it is part of is no snapshot.
 * 3. A body may break off in the middle ("body-cut"), after an answer that said how long it is.
 */

import { CALL_TIMEOUTS } from "../state-log/aws-call.ts";
import type { S3BlobClient } from "../state-log/s3-blob-store.ts";
import type { Network } from "./network.ts";
import { type AwsService, carry, carryRepeatedly, type Sent, toSdkError } from "./simulated-aws-call.ts";
import { NotSimulatedError, SimulatedServiceError } from "./simulated-aws-errors.ts";
import { compareTexts, textBytesOf } from "./simulated-dynamodb-values.ts";

export type SimulatedObject = {
  readonly bucket: string;
  readonly key: string;
  /** Not to be changed. */
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
};

/** The input of a command of the AWS SDK. */
type Request = {
  readonly Bucket?: string;
  readonly Key?: string;
  readonly Body?: unknown;
  readonly ContentLength?: number;
  readonly ChecksumSHA256?: string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly Prefix?: string;
  readonly MaxKeys?: number;
  readonly ContinuationToken?: string;
  readonly Delete?: { readonly Objects: readonly { readonly Key: string }[]; readonly Quiet?: boolean };
};

type SentCommand = Sent & { readonly operation: string; readonly request: Request };
type Answer = Readonly<Record<string, unknown>>;
type Objects = Map<string, SimulatedObject>;

const KNOWN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  CreateBucket: ["Bucket"],
  PutObject: ["Bucket", "Key", "Body", "ContentLength", "ChecksumSHA256", "Metadata"],
  GetObject: ["Bucket", "Key"],
  DeleteObject: ["Bucket", "Key"],
  DeleteObjects: ["Bucket", "Delete"],
  ListObjectsV2: ["Bucket", "Prefix", "MaxKeys", "ContinuationToken"],
};
const READS = new Set(["GetObject", "ListObjectsV2"]);

const KEY_BYTES_MAX = 1_024;
const PAGE_KEYS_MAX = 1_000;
const DELETIONS_MAX = 1_000;

export class SimulatedS3 {
  /** What was asked of it that it does not know: a run in which this is not empty proves nothing. */
  readonly unknown: Error[] = [];
  readonly #service: AwsService;
  readonly #buckets = new Map<string, Objects>();

  /** `now`: epoch milliseconds of the world. `buckets`: those that are there from the start. */
  constructor({ now, buckets = [] }: { readonly now: () => number; readonly buckets?: readonly string[] }) {
    this.#service = {
      now,
      throttled: "SlowDown",
      broken: "InternalError",
      starts: 1,
      unknown: this.unknown,
      invalid: [],
    };
    for (const bucket of buckets) this.#buckets.set(bucket, new Map());
  }

  /** The client of one execution environment. `deadlineMs`: of each call, with all its attempts. */
  client(network: Network, deadlineMs: number = CALL_TIMEOUTS.callMs): S3BlobClient {
    const send = (command: { readonly input: object }): Promise<Answer> => {
      const name = command.constructor.name.replace(/Command$/, "");
      const endMs = this.#service.now() + deadlineMs;
      return this.#send({ network, operation: name, request: command.input as Request, name, endMs });
    };
    return { send: send as S3BlobClient["send"], destroy: () => undefined };
  }

  /** Every object that there is, by key. */
  objects(): readonly SimulatedObject[] {
    const all = [...this.#buckets.values()].flatMap((objects) => [...objects.values()]);
    return all.sort((a, b) => compareTexts(a.key, b.key));
  }

  /** Takes an object away, as somebody at a console would. */
  deleteObject({ bucket, key }: Pick<SimulatedObject, "bucket" | "key">): void {
    this.#buckets.get(bucket)?.delete(key);
  }

  /** Puts an object back, or one with other bytes. */
  restore(object: SimulatedObject): void {
    this.#buckets.get(object.bucket)?.set(object.key, object);
  }

  /** Restarts it: requests that have not arrived are lost, and nothing else. */
  bounce(): void {
    this.#service.starts += 1;
  }

  async #send(sent: SentCommand): Promise<Answer> {
    try {
      checkKnown(sent);
      const serve = (attempts: number) => ({ $metadata: { attempts }, ...this.#serve(sent) });
      return await (READS.has(sent.operation)
        ? carry(this.#service, sent, () => serve(1))
        : carryRepeatedly(this.#service, sent, serve));
    } catch (error) {
      throw toSdkError(this.#service, error);
    }
  }

  #serve({ operation, request, network }: SentCommand): Answer {
    const { Bucket: bucket = "" } = request;
    if (operation === "CreateBucket") return this.#createBucket(bucket);
    const objects = this.#buckets.get(bucket);
    if (objects === undefined) throw new SimulatedServiceError("NoSuchBucket", "The specified bucket does not exist");
    switch (operation) {
      case "PutObject":
        return putObject(objects, bucket, request);
      case "GetObject":
        return getObject(objects, request, network);
      case "DeleteObject":
        objects.delete(keyOf(request));
        return {};
      case "DeleteObjects":
        return deleteObjects(objects, request, network);
      case "ListObjectsV2":
        return listObjects(objects, request, network);
      default:
        throw new NotSimulatedError(operation);
    }
  }

  #createBucket(bucket: string): Answer {
    if (this.#buckets.has(bucket)) throw new SimulatedServiceError("BucketAlreadyOwnedByYou", "It is yours already");
    this.#buckets.set(bucket, new Map());
    return {};
  }
}

function checkKnown({ operation, request }: SentCommand): void {
  const known = KNOWN_FIELDS[operation];
  if (known === undefined) throw new NotSimulatedError(operation);
  for (const field in request)
    if (!known.includes(field)) throw new NotSimulatedError(`the field ${field} of ${operation}`);
}

/** The digest is taken at its word: bytes are not damaged on the way. */
function putObject(objects: Objects, bucket: string, request: Request): Answer {
  const key = keyOf(request);
  const { Body: body, ContentLength: length, Metadata: metadata = {} } = request;
  if (!(body instanceof Uint8Array) || length !== body.byteLength)
    throw new NotSimulatedError("a body that is not bytes, or of another length");
  if (textBytesOf(key) > KEY_BYTES_MAX) throw new SimulatedServiceError("KeyTooLongError", "Your key is too long");
  objects.set(key, { bucket, key, bytes: new Uint8Array(body), metadata: { ...metadata } });
  return {};
}

function getObject(objects: Objects, request: Request, network: Network): Answer {
  const found = objects.get(keyOf(request));
  if (found === undefined) throw new SimulatedServiceError("NoSuchKey", "The specified key does not exist.");
  const { bytes, metadata } = found;
  const cutAt = network.occurs("body-cut") ? network.below(bytes.byteLength) : undefined;
  return { Body: bodyOf(bytes, cutAt), ContentLength: bytes.byteLength, Metadata: { ...metadata } };
}

/** All of the bytes, or those before the cut. */
async function* bodyOf(bytes: Uint8Array, cutAt: number | undefined): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(bytes.subarray(0, cutAt));
  if (cutAt !== undefined) throw Object.assign(new Error("aborted"), { code: "ECONNRESET" });
}

function deleteObjects(objects: Objects, { Delete: deletion }: Request, network: Network): Answer {
  const named = deletion?.Objects ?? [];
  if (deletion?.Quiet !== true || named.length === 0 || named.length > DELETIONS_MAX)
    throw new NotSimulatedError("such a deletion of objects");
  const failed = new Set(named.filter(() => network.occurs("deletion-failed")));
  for (const object of named) if (!failed.has(object)) objects.delete(object.Key);
  const Errors = [...failed].map(({ Key }) => ({ Key, Code: "InternalError", Message: "Internal server error" }));
  return failed.size === 0 ? {} : { Errors };
}

/** What S3 gives to go on from is the last key of the page before, which nobody else is to know. */
function listObjects(objects: Objects, request: Request, network: Network): Answer {
  const { Prefix: prefix = "", MaxKeys = PAGE_KEYS_MAX, ContinuationToken: after } = request;
  const keys = [...objects.keys()]
    .filter((key) => key.startsWith(prefix) && (after === undefined || compareTexts(key, after) > 0))
    .sort(compareTexts);
  const isShort = keys.length > 1 && network.occurs("page-short");
  const page = keys.slice(0, isShort ? 1 + network.below(keys.length - 1) : Math.min(MaxKeys, PAGE_KEYS_MAX));
  const IsTruncated = page.length < keys.length;
  return {
    Contents: page.length === 0 ? undefined : page.map((Key) => ({ Key })),
    KeyCount: page.length,
    IsTruncated,
    ...(IsTruncated ? { NextContinuationToken: page.at(-1) } : {}),
  };
}

function keyOf({ Key: key = "" }: Request): string {
  if (key === "") throw new NotSimulatedError("an object without a key");
  return key;
}
