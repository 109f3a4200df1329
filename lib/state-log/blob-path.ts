/**
 * Where a blob lies in a store whose names are paths, with the task still to be read in it:
 *
 *     shop_revenue_orders-0_1-5f0c…/chunks_7-12-91aa…/0000000000000042-0b6e1c5e-…-77d1…
 *
 * Each piece ends with a digest of what it stands for, so that two tasks never share a folder, whatever is left out of their names and whether or not
 * the store tells capitals from small letters. Numbers have leading zeros: names sort as they do.
 */

import { createHash } from "node:crypto";
import type { BlobFolder, BlobName } from "./blob-store.ts";

/** Sixteen digits hold every safe integer. */
const NUMBER_DIGITS = 16;

/** With the digest behind it well below the 255 bytes of a file's name; three of them, a number and a prefix below the 1,024 of S3's keys. */
const READABLE_MAX = 80;

/** 96 bits: no two names of one store ever have the same. */
const DIGEST_CHARACTERS = 24;

/** The folder, without a slash at the end. */
export function folderPath({ task, folder }: BlobFolder): string {
  return `${toPiece(task)}/${toPiece(folder)}`;
}

export function blobFile({ number, attemptId }: BlobName): string {
  return `${toNumberPiece(number)}-${toPiece(attemptId)}`;
}

/** What every name of a lower number sorts before. */
export function toNumberPiece(number: number): string {
  return String(number).padStart(NUMBER_DIGITS, "0");
}

function toPiece(text: string): string {
  const readable = text.replaceAll(/[^a-z0-9-]+/gi, "_").slice(0, READABLE_MAX);
  const digest = createHash("sha256").update(text).digest("hex").slice(0, DIGEST_CHARACTERS);
  return `${readable}-${digest}`;
}
