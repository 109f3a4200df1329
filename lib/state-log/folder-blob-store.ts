/**
 * Blobs as files of a folder, for work on one machine: what S3 is on AWS.
 *
 *     bytes → NAME.TEMPORARY, synced → renamed to NAME, folder synced
 *
 * Invariants:
 * - A file under its name is whole: it was synced before it got the name, and nobody writes to it afterwards.
 * - What is read is what was put: behind the bytes stands their digest.
 */

import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MillraceError } from "../stream/error.ts";
import { blobFile, folderPath, toNumberPiece } from "./blob-path.ts";
import type { BlobFolder, BlobName, BlobStore } from "./blob-store.ts";
import { forEachLimited } from "./for-each-limited.ts";
import { S3_CHUNK_BYTES_MIN } from "./s3-cost.ts";

const DIGEST_BYTES = 32;

/** Files that are deleted side by side. */
const PARALLEL_MAX = 8;

export class FolderBlobStore implements BlobStore {
  readonly kind = "folder";
  readonly place: string;
  /** As in S3, for which it stands: the same chunks go the same way. */
  readonly chunkBytesMin = S3_CHUNK_BYTES_MIN;

  /** `folder` is made with the first blob. */
  constructor(folder: string) {
    this.place = resolve(folder);
  }

  async put(name: BlobName, bytes: Uint8Array): Promise<void> {
    const folder = join(this.place, folderPath(name));
    const file = join(folder, blobFile(name));
    // It begins with the number too: a sweep finds what a writer that died has left.
    const temporary = `${file}.${randomUUID().slice(0, 8)}`;
    await this.#call("written", file, async () => {
      await mkdir(folder, { recursive: true });
      try {
        const handle = await open(temporary, "wx");
        try {
          await handle.writeFile(bytes);
          await handle.writeFile(digestOf(bytes));
          await handle.sync();
        } finally {
          await handle.close();
        }
        // Where the temporary file is gone it was swept: nobody will name this blob any more.
        await unlessMissing(rename(temporary, file));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      for (const path of [folder, join(folder, ".."), this.place]) await syncFolder(path);
    });
  }

  async get(name: BlobName, byteLength: number): Promise<Uint8Array | undefined> {
    const file = join(this.place, folderPath(name), blobFile(name));
    const content = await this.#call("read", file, () => unlessMissing(readFile(file)));
    if (content === undefined || content.byteLength !== byteLength + DIGEST_BYTES) return undefined;
    const bytes = new Uint8Array(content.buffer, content.byteOffset, byteLength);
    if (content.subarray(byteLength).equals(digestOf(bytes))) return bytes;
    throw new MillraceError(
      "state-broken",
      `The snapshot ${file} is damaged: its bytes are not those that were put. Nothing was changed; restore the file, or start the function in a new generation.`,
    );
  }

  async delete(name: BlobName): Promise<void> {
    const file = join(this.place, folderPath(name), blobFile(name));
    await this.#call("deleted", file, () => rm(file, { force: true }));
  }

  async sweep(folder: BlobFolder, number: number): Promise<void> {
    const path = join(this.place, folderPath(folder));
    const below = toNumberPiece(number);
    await this.#call("swept", path, async () => {
      const files = (await unlessMissing(readdir(path))) ?? [];
      const old = files.filter((file) => file < below);
      await forEachLimited(old, PARALLEL_MAX, (file) => rm(join(path, file), { force: true }));
    });
  }

  async #call<T>(done: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof Error) || !("code" in cause)) throw cause;
      throw new MillraceError(
        "state-store",
        `The snapshot ${path} cannot be ${done} (${cause.message}). Check that the disk has room, and who may write there.`,
        { cause },
      );
    }
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** So that names last as the bytes do. Windows cannot, and does not need to. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
