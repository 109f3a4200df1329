/**
 * The meta of an entry as it lies in its item. It says the same words in every entry, so it is packed with a dictionary of them: to a fifth, where it is short,
 * so that a small commit takes one write unit and not two.
 */

import { deflateRawSync, inflateRawSync } from "node:zlib";
import { decompress } from "../wire/compress.ts";

/** The first byte: which words it was packed with. 0 and 1 are those of compress.ts, which earlier versions used. */
const PACKED = 2;

/** What metas look like, the commonest last. Never to be changed, or what was packed with it cannot be read: other words need another first byte. */
const WORDS = Buffer.from(
  '"generated":[],"moving":{"toMs":"told":["exactlyOnce":{"last":,"before":},"inputs":{},"shapes":{"/join/process/session/sliding of  cumulative of by-key/window":"tumbling of 5000 ms in event time, count"}}' +
    '{"checkpoint":-1,"newestMs":["-"],"watermarkMs":17,"nowMs":17,"activeAtMs":17,"idle":true"idle":false,"announcedMs":17,"upstream":[["/",0,1,17,2]],"seen":[],"bundles":[["--by-key",[1]]],' +
    '"totals":{"elements":0,"late":0,"nullKeys":0,"deadLetters":0,"future":0,"duplicates":0,"windowsClosed":0,"records":0,"outputs":0}',
);
const OPTIONS = { dictionary: WORDS };

/** The bytes of a meta. */
export function packMeta(meta: string): Uint8Array {
  const packed = deflateRawSync(meta, OPTIONS);
  const bytes = new Uint8Array(packed.length + 1);
  bytes[0] = PACKED;
  bytes.set(packed, 1);
  return bytes;
}

/** The reverse of packMeta; also of what earlier versions kept. Throws MillraceError "format" for what neither made. */
export function unpackMeta(bytes: Uint8Array): string {
  const text = bytes[0] === PACKED ? inflateRawSync(bytes.subarray(1), OPTIONS) : decompress(bytes);
  return Buffer.from(text).toString();
}
