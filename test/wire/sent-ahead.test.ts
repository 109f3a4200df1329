/** Records of a shuffle that are no bundles: those that were sent ahead, and their releases. */

import { describe, expect, test } from "vitest";
import { compressJson } from "../../lib/wire/compress.ts";
import {
  decodePrepared,
  decodeRelease,
  encodePrepared,
  encodeRelease,
  isPrepared,
  type Release,
} from "../../lib/wire/sent-ahead.ts";

const bundle = compressJson(["any", "bundle"]);
const release: Release = {
  task: "counting/words-0",
  generation: 1,
  number: 7,
  attemptId: "attempt-ü",
  offset: 2 ** 40,
};

describe("what is sent ahead", () => {
  test("comes back with its attempt, also from the middle of a buffer", () => {
    const prepared = encodePrepared("attempt-ü", bundle);
    const around = new Uint8Array(prepared.length + 10);
    around.set(prepared, 5);
    const found = decodePrepared(around.subarray(5, 5 + prepared.length));
    expect(found.attemptId).toBe("attempt-ü");
    expect([...found.bundle]).toEqual([...bundle]);
  });

  test("is told from bundles, releases and nothing", () => {
    expect(isPrepared(encodePrepared("a", bundle))).toBe(true);
    expect(
      [bundle, compressJson("x".repeat(1_000)), encodeRelease(release), new Uint8Array(0), null].some(isPrepared),
    ).toBe(false);
  });
});

describe("a release", () => {
  test("comes back", () => expect(decodeRelease(encodeRelease(release))).toEqual(release));

  test("is told from bundles, from what is sent ahead and from nothing", () => {
    for (const value of [bundle, encodePrepared("a", bundle), new Uint8Array(0), null])
      expect(decodeRelease(value)).toBeUndefined();
  });

  test("of a newer version is refused with what to do", () => {
    const text = new TextDecoder().decode(encodeRelease(release)).replace("[1,", "[2,");
    expect(() => decodeRelease(new TextEncoder().encode(text))).toThrow(
      "A release of version 2 was read by code that knows version 1: deploy the readers of a shuffle no later than its writers.",
    );
  });
});
