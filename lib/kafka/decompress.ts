/** Records of a batch as their producer compressed them: gzip, snappy, lz4 and zstd. */

import type { Buffer } from "node:buffer";
import * as zlib from "node:zlib";
import { MillraceError } from "../stream/error.ts";
import { decompressLz4Frame } from "./lz4.ts";
import { decompressSnappy } from "./snappy.ts";

/** A batch is at most this large when it is unpacked: bytes of a stranger must not make us allocate without bound. */
const UNPACKED_BYTES_MAX = 512 * 1024 * 1024;

/** The records; the same bytes where they are not compressed. */
export function decompressRecords(codec: number, bytes: Buffer): Buffer {
  try {
    switch (codec) {
      case 0:
        return bytes;
      case 1:
        return zlib.gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
      case 2:
        return decompressSnappy(bytes);
      case 3:
        return decompressLz4Frame(bytes, UNPACKED_BYTES_MAX);
      case 4:
        // Node before 22.15 has no zstd.
        if (zlib.zstdDecompressSync === undefined) break;
        return zlib.zstdDecompressSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX }) as Buffer;
    }
  } catch (cause) {
    throw new MillraceError("kafka", `A compressed batch of Kafka cannot be unpacked: ${(cause as Error).message}`, {
      cause,
    });
  }
  throw new MillraceError(
    "kafka",
    `A batch of Kafka is compressed with ${codec === 4 ? "zstd, which needs Node 22.15 or later" : `codec ${codec}, which is unknown`}.`,
  );
}
