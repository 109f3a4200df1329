/** The port to a store of byte strings that are too large for an entry or a chunk item, which then only names them. */

/** The blobs of a task's entries, or of one of its chunk ranges. */
export type BlobFolder = {
  readonly task: string;
  /** Without "#". */
  readonly folder: string;
};

export type BlobName = BlobFolder & {
  /** The entry's sequence number, or the chunk's `asOf`: what a sweep goes by. */
  readonly number: number;
  /** Fresh for each content, so that nobody replaces bytes that somebody else's item names. */
  readonly attemptId: string;
};

/** What a store has been asked that is paid by request; a deletion is free. */
export type BlobRequests = { readonly put: number; readonly get: number; readonly list: number };

/**
 * A store of immutable blobs. A blob is put before the item that names it, and taken away only when no item can name it any more, so a blob that is
 * missing tells a reader that the item it read has been replaced since.
 * Failures throw MillraceError "state-store" and say nothing about whether a write took effect; bytes that are not those that were put throw
 * "state-broken".
 */
export interface BlobStore {
  /** Stands in the items that name its blobs, so that nobody looks for them elsewhere. */
  readonly kind: "parts" | "s3" | "folder";
  /** Where it is, for a sentence. */
  readonly place: string;
  /** Chunks of more bytes lie better here than in an item that could hold them. Absent: only those that no item can hold. */
  readonly chunkBytesMin?: number;
  /** Durable when it returns. Safe to repeat with the same bytes. */
  put(name: BlobName, bytes: Uint8Array): Promise<void>;
  /** The bytes, of which there must be `byteLength`; undefined where they, or a part of them, are missing. */
  get(name: BlobName, byteLength: number): Promise<Uint8Array | undefined>;
  delete(name: BlobName, byteLength: number): Promise<void>;
  /**
   * Deletes the blobs of a folder whose number is below `number`: those that this store has put or read, and, with the first sweep of a folder at the
   * latest, those that nobody remembers.
   */
  sweep(folder: BlobFolder, number: number): Promise<void>;
  /** The requests for a task since it was last asked; absent where they cost nothing, or are units of the table. */
  takeRequests?(task: string): BlobRequests;
  close?(): void;
}
