/**
 * Identities of outputs on declared topics. O2: a repeat has the same identity. O3: a consumer drops what is not above the last
 * one it saw of the same task, compared as a whole, as a batch may end inside a commit.
 */

import { encodeUtf8 } from "../stream/utf8.ts";
import { recordBytes } from "./outgoing-record.ts";
import type { Header } from "./record-columns.ts";

/** Names the header that carries an identity: `application/function/topic-partition/generation:sequence:index`. */
export const IDENTITY_HEADER = "millrace-id";

/** Which output of which commit of which task a record is. */
export type Identity = {
  /** `application/function/topic-partition`, without the generation. */
  readonly task: string;
  readonly generation: number;
  /** The commit's sequence number; the input's offset where the task keeps no log. */
  readonly sequenceNumber: number;
  readonly index: number;
};

/** The last identity seen of a task. */
export type SeenIdentity = readonly [generation: number, sequenceNumber: number, index: number];

const decoder = new TextDecoder();

/** The header of output `index` of commit `sequenceNumber` of the task whose full name is `task`. */
export function identityHeader(task: string, sequenceNumber: number, index: number): Header {
  return [IDENTITY_HEADER, encodeUtf8(identityText(task, sequenceNumber, index))];
}

/** The text of an identity, with the task's full name. */
export function identityText(task: string, sequenceNumber: number, index: number): string {
  return `${task}:${sequenceNumber}:${index}`;
}

/** What the header of any output of a task takes at the most, in bytes: records must leave room for it. */
export function identityBytesMax(task: string): number {
  return recordBytes({
    key: null,
    value: null,
    timestampMs: 0,
    headers: [identityHeader(task, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)],
  });
}

/** The identity among a record's headers; undefined where it has none that can be read. */
export function identityOf(headers: readonly Header[]): Identity | undefined {
  const header = headers.find(([name]) => name === IDENTITY_HEADER);
  return header === undefined ? undefined : parseIdentity(decoder.decode(header[1]));
}

/** The identity that a header's text stands for; undefined for any other text. */
export function parseIdentity(text: string): Identity | undefined {
  const match = /^(.+)\/(\d+):(\d+):(\d+)$/.exec(text);
  if (match === null) return undefined;
  const [, task, generation, sequenceNumber, index] = match as unknown as [string, string, string, string, string];
  return { task, generation: Number(generation), sequenceNumber: Number(sequenceNumber), index: Number(index) };
}

/** Whether an output is above the last one seen of its task, and so not a repeat. */
export function isAbove(identity: Identity, seen: SeenIdentity | undefined): boolean {
  if (seen === undefined) return true;
  if (identity.generation !== seen[0]) return identity.generation > seen[0];
  if (identity.sequenceNumber !== seen[1]) return identity.sequenceNumber > seen[1];
  return identity.index > seen[2];
}
