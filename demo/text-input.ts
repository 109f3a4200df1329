/** Reads the lines of files, and says beforehand how many there are and what tells this input from any other. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { MillraceError } from "millrace";
import { type Line, LineSplitter } from "../lib/cli/split-lines.ts";

/** Longer lines are left out: a word as long as its line must still fit twice into a record of the result. */
export const LINE_BYTES_MAX = 256 * 1024;

export type InputSummary = {
  readonly files: number;
  readonly lines: number;
  /** Lines that are left out, as they are longer than LINE_BYTES_MAX. */
  readonly linesTooLong: number;
  /** The same for the same lines in the same order. */
  readonly fingerprint: string;
};

/** Reads everything once. Throws a MillraceError "usage" for a file that cannot be read. */
export async function summarizeInput(paths: readonly string[]): Promise<InputSummary> {
  const hash = createHash("sha256");
  let lines = 0;
  let linesTooLong = 0;
  const count = (some: readonly Line[]) => {
    for (const line of some) {
      if (line === undefined) linesTooLong += 1;
      else lines += 1;
    }
  };
  for (const path of paths) {
    const splitter = new LineSplitter(LINE_BYTES_MAX);
    for await (const chunk of readChunks(path)) {
      hash.update(chunk);
      count(splitter.push(chunk));
    }
    count(splitter.end());
    hash.update("\0end of a file\0");
  }
  return { files: paths.length, lines, linesTooLong, fingerprint: hash.digest("hex") };
}

/** The lines of all files as bytes, in pieces; without those that are too long. */
export async function* readLines(paths: readonly string[]): AsyncGenerator<readonly Uint8Array[]> {
  for (const path of paths) {
    const splitter = new LineSplitter(LINE_BYTES_MAX);
    for await (const chunk of readChunks(path)) yield splitter.push(chunk).filter(isPresent);
    yield splitter.end().filter(isPresent);
  }
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause)) throw cause;
    throw new MillraceError("usage", `${path} cannot be read: ${cause.message}.`, { cause });
  }
}

function isPresent(line: Line): line is Uint8Array {
  return line !== undefined;
}
