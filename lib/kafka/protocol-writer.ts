/** Bytes of Kafka's wire protocol as they are written: big endian, with Kafka's forms of strings, arrays and variable-length integers. */

import { Buffer } from "node:buffer";

/** Enough for most requests: those without records. */
const BYTES_FIRST = 256;
const TWO_32 = 2 ** 32;

/** Grows as needed. Every method returns the writer. */
export class ProtocolWriter {
  #bytes = Buffer.allocUnsafe(BYTES_FIRST);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** What was written so far: a view, good until the next write. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  int8(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value & 0xff;
    return this;
  }

  int16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  /** A safe integer. */
  int64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeInt32BE(Math.floor(value / TWO_32), at);
    this.#bytes.writeUInt32BE(((value % TWO_32) + TWO_32) % TWO_32, at + 4);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    const at = this.#room(length);
    this.#bytes.write(value, at, "utf8");
    return this;
  }

  /** The string of flexible versions. */
  compactString(value: string): this {
    const length = Buffer.byteLength(value);
    this.unsignedVarint(length + 1);
    const at = this.#room(length);
    this.#bytes.write(value, at, "utf8");
    return this;
  }

  array<T>(values: readonly T[], write: (value: T) => void): this {
    this.int32(values.length);
    for (const value of values) write(value);
    return this;
  }

  /** The array of flexible versions. */
  compactArray<T>(values: readonly T[], write: (value: T) => void): this {
    this.unsignedVarint(values.length + 1);
    for (const value of values) write(value);
    return this;
  }

  /** Tagged fields, none of them. */
  noTags(): this {
    return this.int8(0);
  }

  unsignedVarint(value: number): this {
    while (value >= 128) {
      this.int8((value % 128) + 128);
      value = Math.floor(value / 128);
    }
    return this.int8(value);
  }

  /** A zigzag integer: a length, −1 for null, or a difference. */
  varint(value: number): this {
    return this.unsignedVarint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Writes at an earlier position, where room was left. */
  patchInt32(at: number, value: number): void {
    this.#bytes.writeInt32BE(value | 0, at);
  }

  /** Makes room. To be called before `#bytes` is looked at, which it may replace. */
  #room(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
