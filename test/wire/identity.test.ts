/** Identities of outputs: O2, a repeat has the same one; O3, a consumer drops what is not above the last. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IDENTITY_HEADER, type Identity, identityHeader, identityOf, isAbove } from "../../lib/wire/identity.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("the identity in a record's headers", () => {
  test("names task, generation, commit and output", () => {
    expect(identityOf([["trace", utf8("x")], identityHeader("shop/count/lines-3/2", 17, 4)])).toEqual({
      task: "shop/count/lines-3",
      generation: 2,
      sequenceNumber: 17,
      index: 4,
    });
  });

  test("is the first, so that an author who passes headers on changes nothing", () => {
    const own = identityHeader("shop/b/t-0/0", 1, 0);
    expect(identityOf([own, identityHeader("shop/a/t-0/0", 9, 9)])).toMatchObject({ task: "shop/b/t-0" });
  });

  test.each([
    ["without any", []],
    ["that is no identity", [[IDENTITY_HEADER, utf8("hello")]]],
    ["with a broken number", [[IDENTITY_HEADER, utf8("a/b/c-0/0:x:1")]]],
    ["of invalid UTF-8", [[IDENTITY_HEADER, new Uint8Array([0xff, 0xfe])]]],
  ] as const)("is undefined for a record %s", (_, headers) => {
    expect(identityOf(headers)).toBeUndefined();
  });

  test("comes back as it was for any task", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.nat(), fc.nat(), (name, generation, commit, index) => {
        const task = `app/${name.replaceAll("\n", "")}/t-0`;
        const identity = identityOf([identityHeader(`${task}/${generation}`, commit, index)]);
        expect(identity).toEqual({ task, generation, sequenceNumber: commit, index });
      }),
    );
  });
});

describe("O3: an output is new where it is above the last one seen of its task", () => {
  const identity = (generation: number, sequenceNumber: number, index: number): Identity => ({
    task: "t",
    generation,
    sequenceNumber,
    index,
  });

  test.each([
    { of: identity(0, 1, 0), seen: undefined, above: true, why: "when nothing was seen" },
    { of: identity(0, 1, 1), seen: [0, 1, 0], above: true, why: "by its index inside a commit" },
    { of: identity(0, 1, 0), seen: [0, 1, 0], above: false, why: "not the same again" },
    { of: identity(0, 2, 0), seen: [0, 1, 9], above: true, why: "by its commit, whatever the index" },
    { of: identity(0, 1, 9), seen: [0, 2, 0], above: false, why: "not of an earlier commit, whatever the index" },
    { of: identity(1, 1, 0), seen: [0, 99, 9], above: true, why: "by its generation, which begins at 1 again" },
    { of: identity(0, 99, 9), seen: [1, 1, 0], above: false, why: "not of an earlier generation" },
  ] as const)("$why", ({ of, seen, above }) => {
    expect(isAbove(of, seen)).toBe(above);
  });

  test("as a total order: of two identities exactly one is above the other, or they are the same", () => {
    const triple = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3));
    fc.assert(
      fc.property(triple, triple, (a, b) => {
        const same = a.every((n, i) => n === b[i]);
        const [ab, ba] = [isAbove(identity(...a), b), isAbove(identity(...b), a)];
        expect(same ? !ab && !ba : ab !== ba).toBe(true);
      }),
    );
  });
});
