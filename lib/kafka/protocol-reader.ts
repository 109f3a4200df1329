/** Bytes of Kafka's wire protocol as they are read. */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";

const TWO_32 = 2 ** 32;

/** Reads one after the other; throws "kafka" where the bytes end too soon. */
export class ProtocolReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  /** Exact up to 2⁵³. */
  int64(): number {
    const at = this.#take(8);
    return this.#bytes.readInt32BE(at) * TWO_32 + this.#bytes.readUInt32BE(at + 4);
  }

  /** A null is "". */
  string(): string {
    const length = this.int16();
    return length < 0 ? "" : this.#text(length);
  }

  compactString(): string {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? "" : this.#text(length);
  }

  /** A null is empty. */
  array<T>(read: () => T): T[] {
    return this.#times(this.int32(), read);
  }

  compactArray<T>(read: () => T): T[] {
    return this.#times(this.unsignedVarint() - 1, read);
  }

  skipTags(): void {
    for (let left = this.unsignedVarint(); left > 0; left -= 1) {
      this.unsignedVarint();
      this.#take(this.unsignedVarint());
    }
  }

  unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#take(1)] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  /** Bytes with a 32 bit length before them: a view. A null is empty. */
  bytes(): Buffer {
    const length = this.int32();
    if (length <= 0) return Buffer.alloc(0);
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  #text(length: number): string {
    const at = this.#take(length);
    return this.#bytes.toString("utf8", at, at + length);
  }

  #times<T>(count: number, read: () => T): T[] {
    const all: T[] = [];
    for (let i = 0; i < count; i += 1) all.push(read());
    return all;
  }

  #take(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.#bytes.length)
      throw new MillraceError("kafka", "An answer of Kafka ends in the middle; is it Kafka that listens there?");
    return at;
  }
}
