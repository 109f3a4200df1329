/** Keeps standard input in a file, as lines are read twice: once to know how many there are, once to write them. */

import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { STANDARD_INPUT } from "./find-files.ts";

export type KeptInput = {
  readonly paths: readonly string[];
  /** Removes what was kept. */
  remove(): void;
};

/** The same paths, with a file in place of "-" that holds what `input` gave until its end. */
export async function keepStandardInput(
  paths: readonly string[],
  input: AsyncIterable<Uint8Array>,
): Promise<KeptInput> {
  if (!paths.includes(STANDARD_INPUT)) return { paths, remove() {} };
  const folder = mkdtempSync(join(tmpdir(), "millrace-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const file = join(folder, "standard-input");
  try {
    await pipeline(input, createWriteStream(file));
  } catch (error) {
    remove();
    throw error;
  }
  return { paths: paths.map((path) => (path === STANDARD_INPUT ? file : path)), remove };
}
