/** Jars that a pom.xml names, downloaded by Maven on first use into a folder that git ignores. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CACHE = fileURLToPath(new URL("../../.millrace/services/", import.meta.url));
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** The folder with the jars of `pom`, a file next to its service; whoever comes first downloads them. */
export async function jarsOf(name: string, pom: URL): Promise<string> {
  const version = createHash("sha256").update(readFileSync(pom)).digest("hex").slice(0, 12);
  const folder = join(CACHE, `${name}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const partial = `${folder}.${process.pid}`;
  const goal = ["-q", "-B", "-f", fileURLToPath(pom), "dependency:copy-dependencies", `-DoutputDirectory=${partial}`];
  try {
    await promisify(execFile)("mvn", goal, { timeout: DOWNLOAD_TIMEOUT_MS });
    // Two processes may download at once; the second finds the folder taken, by the same files.
    if (!existsSync(folder)) renameSync(partial, folder);
  } catch (cause) {
    if (!existsSync(folder))
      throw new Error(
        `${name} could not be downloaded with Maven; "mvn" (3.8 or later) and a network are needed once: ${(cause as Error).message}`,
        { cause },
      );
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}
