/** The blobs that this process has put or read, so that a sweep is asked for only where there is something: most tasks never have one. */

import type { BlobFolder, BlobName, BlobStore } from "./blob-store.ts";

export class KnownBlobs {
  readonly #numbers = new Map<string, Set<number>>();

  add(blobs: BlobStore, name: BlobName): void {
    const key = keyOf(blobs, name);
    const numbers = this.#numbers.get(key) ?? new Set();
    this.#numbers.set(key, numbers.add(name.number));
  }

  hasBelow(blobs: BlobStore, folder: BlobFolder, number: number): boolean {
    return [...(this.#numbers.get(keyOf(blobs, folder)) ?? [])].some((known) => known < number);
  }

  forgetBelow(blobs: BlobStore, folder: BlobFolder, number: number): void {
    const key = keyOf(blobs, folder);
    const above = [...(this.#numbers.get(key) ?? [])].filter((known) => known >= number);
    if (above.length === 0) this.#numbers.delete(key);
    else this.#numbers.set(key, new Set(above));
  }
}

function keyOf({ kind }: BlobStore, { task, folder }: BlobFolder): string {
  return `${kind}#${folder}#${task}`;
}
