/**
 * Bundles that are sent ahead of their commit, and the releases that make them count. A large bundle stands in its shuffle twice: first as *prepared*, which counts for nobody, then, after
 * the commit that names it, as a *release*: a small record that says where it stands. So a commit holds the place of what it sends instead of the bytes.
 *
 * L5: a prepared bundle is nothing until a release names its offset and its attempt; what whoever lost, or died before its commit, has prepared is never named. O2: the release lies in the
 * commit as bytes, as a bundle does. O3: a release has the number of its bundle.
 */

import { MillraceError } from "../stream/error.ts";

/** Names a prepared bundle, in the partition of the shuffle that the release stands in. */
export type Release = {
  /** The sending task as `function/topic-partition`, as in the bundle. */
  readonly task: string;
  readonly generation: number;
  /** The bundle's. */
  readonly number: number;
  /** The commit's, which nobody else has: so no other bundle can be taken for the one that is meant. */
  readonly attemptId: string;
  /** Where the prepared bundle stands; before its release. */
  readonly offset: number;
};

/** The first bytes of records of a shuffle that are no bundles: those begin with 0 or 1 (compress.ts). */
const PREPARED = 2;
const RELEASE = 3;

/** Of releases: the newest form that this version writes and reads. */
const RELEASE_VERSION = 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A bundle as it stands in its shuffle before its commit. */
export function encodePrepared(attemptId: string, bundle: Uint8Array): Uint8Array {
  const name = encoder.encode(attemptId);
  const bytes = new Uint8Array(3 + name.length + bundle.length);
  bytes[0] = PREPARED;
  new DataView(bytes.buffer).setUint16(1, name.length);
  bytes.set(name, 3);
  bytes.set(bundle, 3 + name.length);
  return bytes;
}

/** Whether a record of a shuffle counts for nobody by itself. */
export function isPrepared(value: Uint8Array | null): value is Uint8Array {
  return value?.[0] === PREPARED;
}

/** A prepared bundle and the attempt that it belongs to. */
export function decodePrepared(prepared: Uint8Array): { readonly attemptId: string; readonly bundle: Uint8Array } {
  const begins = 3 + new DataView(prepared.buffer, prepared.byteOffset, prepared.length).getUint16(1);
  return { attemptId: decoder.decode(prepared.subarray(3, begins)), bundle: prepared.subarray(begins) };
}

/** The bytes of a release. */
export function encodeRelease({ task, generation, number, attemptId, offset }: Release): Uint8Array {
  const text = encoder.encode(JSON.stringify([RELEASE_VERSION, task, generation, number, attemptId, offset]));
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = RELEASE;
  bytes.set(text, 1);
  return bytes;
}

/** Whether a record of a shuffle is a release. */
export function isRelease(value: Uint8Array | null): value is Uint8Array {
  return value?.[0] === RELEASE;
}

/** A release; undefined for any other record of a shuffle. Throws MillraceError "format" for a newer version's. */
export function decodeRelease(value: Uint8Array | null): Release | undefined {
  if (!isRelease(value)) return undefined;
  const [version, task, generation, number, attemptId, offset] = JSON.parse(decoder.decode(value.subarray(1))) as [
    number,
    string,
    number,
    number,
    string,
    number,
  ];
  if (version === RELEASE_VERSION) return { task, generation, number, attemptId, offset };
  throw new MillraceError(
    "format",
    `A release of version ${version} was read by code that knows version ${RELEASE_VERSION}: deploy the readers of a shuffle no later than its writers.`,
  );
}
