/** The decisions of the state log: tables for each answer, and properties over logs that were read while they changed. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Assembly,
  assembleLog,
  findChunkAhead,
  judgeRefusal,
  judgeTail,
  mayAppend,
  RULES,
  rulesOf,
} from "../../lib/state-log/decisions.ts";
import { LAYOUT, type LogEntry, RING_SLOTS } from "../../lib/state-log/state-log.ts";
import { entry, numbersOf, range } from "./entries.ts";

const N = RING_SLOTS;

describe("L2: what a slot must hold", () => {
  test.each([
    [1, undefined],
    [N, undefined],
    [N + 1, 1],
    [2 * N, N],
    [2 * N + 1, N + 1],
    [1_000_003, 1_000_003 - N],
  ])("for entry %i", (sequenceNumber, required) => {
    expect(RULES.requiredInSlot(sequenceNumber)).toBe(required);
    expect(RULES.slotAccepts(required === undefined ? undefined : entry(required), sequenceNumber)).toBe(true);
    for (const other of [sequenceNumber, sequenceNumber + N, (required ?? 0) + 2 * N]) {
      expect(RULES.slotAccepts(entry(other), sequenceNumber)).toBe(false);
    }
    if (required !== undefined) expect(RULES.slotAccepts(undefined, sequenceNumber)).toBe(false);
  });
});

describe("L2, L4: what a refusal means", () => {
  const mine = entry(N + 5, { base: 5 });
  test.each<[string, LogEntry | undefined, string]>([
    ["my own attempt", mine, "won"],
    ["somebody else's", entry(N + 5, {}, "b"), "lost"],
    ["somebody else's of the next lap", entry(2 * N + 5, {}, "b"), "lost"],
    ["one of my attempts at a later number", entry(2 * N + 5, { attemptId: mine.attemptId }), "lost"],
    ["an earlier entry of the same attempt id", entry(5, { attemptId: mine.attemptId }), "broken"],
    ["the entry that the put demands", entry(5), "broken"],
    ["nothing", undefined, "broken"],
    ["one of a newer layout", entry(N + 5, { layout: LAYOUT + 1 }, "b"), "unknown-layout"],
    ["one of a newer layout, of the lap before", entry(5, { layout: LAYOUT + 1 }), "unknown-layout"],
  ])("by %s", (_, found, kind) => {
    const refusal = judgeRefusal(mine, found);
    expect(refusal.kind).toBe(kind);
    if (refusal.kind === "lost") expect(refusal.winner).toBe(found);
  });
});

test.each([
  [1, 0, true],
  [N, 0, true],
  [N + 1, 0, false],
  [N + 1, 1, true],
  [3 * N, 2 * N - 1, false],
  [3 * N, 2 * N, true],
  [3 * N, 3 * N, true],
])("L6: entry %i over base %i: %s", (sequenceNumber, base, allowed) => {
  expect(mayAppend(sequenceNumber, base)).toBe(allowed);
});

describe("a warm reader", () => {
  test.each<[string, number, LogEntry | undefined, string]>([
    ["nothing in the first lap", 3, undefined, "current"],
    ["the entry a lap before", N + 3, entry(4), "current"],
    ["the next entry", 3, entry(4), "next"],
    ["a later lap", 3, entry(N + 4), "reload"],
    ["a lap too early", 2 * N + 3, entry(4), "broken"],
    ["nothing in a later lap", N + 3, undefined, "broken"],
    ["a next entry that follows another", 3, entry(4, { previousAttemptId: "b3" }), "broken"],
    ["a newer layout", 3, entry(4, { layout: LAYOUT + 1 }), "unknown-layout"],
    ["a newer layout, a lap on", 3, entry(N + 4, { layout: LAYOUT + 1 }), "unknown-layout"],
  ])("finds %s after %i", (_, head, found, kind) => {
    expect(judgeTail(entry(head), found).kind).toBe(kind);
  });

  test("L6: takes no entry whose base goes back", () => {
    expect(judgeTail(entry(3, { base: 2 }), entry(4, { base: 1 })).kind).toBe("broken");
  });
});

test("L8: the latest chunk that is ahead of the head is what the next reading must reach", () => {
  const chunks = [3, 9, 5, 7].map((asOf) => ({ range: `0-${asOf}`, asOf, bytes: new Uint8Array(0) }));
  expect(findChunkAhead(chunks, 9)).toBeUndefined();
  expect(findChunkAhead(chunks, 5)).toBe(9);
  expect(findChunkAhead([], 0)).toBeUndefined();
});

describe("assembling", () => {
  const assemble = (slots: readonly LogEntry[], again = new Map<number, LogEntry | undefined>(), seen = 0) =>
    assembleLog(slots, again, seen);
  const log = (first: number, last: number) => range(first, last).map((n) => entry(n, { base: 0 }));
  const without = (entries: readonly LogEntry[], n: number) => entries.filter((one) => one.sequenceNumber !== n);

  test("L8: no slots are an empty log, unless something was committed", () => {
    expect(assemble([])).toEqual({ kind: "empty" });
    expect(assemble([], new Map(), 1).kind).toBe("broken");
  });

  test("L1: takes the entries after the base, in order, from slots in any order", () => {
    const slots = [entry(3, { base: 1 }), entry(1), entry(4, { base: 2 }), entry(2)];
    expect(assemble(slots)).toEqual({ kind: "complete", head: slots[2], entries: [slots[0], slots[2]] });
  });

  test("L7: takes a self-contained head alone", () => {
    const head = entry(4, { base: 3, selfContained: true });
    expect(assemble([entry(2), head])).toEqual({ kind: "complete", head, entries: [head] });
  });

  test("L8: asks once for slots that are older than the head demands", () => {
    const slots = without(without(log(1, 5), 2), 4);
    expect(assemble(slots)).toEqual({ kind: "read-slots", sequenceNumbers: [2, 4] });
    const found = assemble(slots, new Map([2, 4].map((n) => [n, entry(n)])));
    expect(found).toEqual({ kind: "complete", head: entry(5), entries: log(1, 5) });
    expect(
      assemble(
        slots,
        new Map([
          [2, entry(2)],
          [4, undefined],
        ]),
      ).kind,
    ).toBe("broken");
  });

  test("L8: starts again when a slot has gone on meanwhile", () => {
    const slots = without(log(1, 5), 2);
    const again = new Map([[2, entry(N + 2, { base: 5 })]]);
    expect(assemble(slots, again)).toEqual({ kind: "start-again", seen: N + 2 });
  });

  test.each<[string, LogEntry[]]>([
    ["an entry that follows another", [entry(1), entry(2, { previousAttemptId: "b1" })]],
    ["a first entry that follows one", [entry(1, { previousAttemptId: "a0" })]],
    ["a base that goes back", [entry(1), entry(2, { base: 1 }), entry(3, { base: 0 })]],
    ["a base of its own", [entry(1), entry(2, { base: 2 })]],
    ["a self-contained entry that rests on another", [entry(1), entry(2), entry(3, { base: 1, selfContained: true })]],
    ["a negative base", [entry(1, { base: -1 })]],
    ["more than a lap without cover", [entry(N + 1, { base: 0 }), ...range(2, N).map((n) => entry(n))]],
  ])("L1, L6: calls %s broken", (_, slots) => {
    expect(assemble(slots).kind).toBe("broken");
  });

  test("stops at a newer layout wherever it is met", () => {
    const newer = entry(2, { layout: LAYOUT + 1 });
    expect(assemble([entry(1), newer, entry(3)])).toEqual({ kind: "unknown-layout", entry: newer });
    expect(assemble([entry(1), entry(3)], new Map([[2, newer]]))).toEqual({ kind: "unknown-layout", entry: newer });
  });
});

describe("a log that was read while it changed", () => {
  /** Every entry of a log that kept the rules, in a ring of `slots`. */
  const histories = fc
    .record({
      slots: fc.integer({ min: 1, max: 5 }),
      steps: fc.array(fc.record({ advance: fc.nat(4), selfContained: fc.boolean() }), { maxLength: 25 }),
    })
    .map(({ slots, steps }) => {
      const entries: LogEntry[] = [];
      for (const [i, { advance, selfContained }] of steps.entries()) {
        const n = i + 1;
        const least = Math.max(entries.at(-1)?.base ?? 0, n - slots);
        entries.push(entry(n, { selfContained, base: selfContained ? n - 1 : Math.min(n - 1, least + advance) }));
      }
      return { slots, entries };
    });

  /** A reading of each slot at a moment of its own, and later readings of each, while the log grows. */
  const readings = histories.chain(({ slots, entries }) =>
    fc
      .tuple(...Array.from({ length: 3 }, () => fc.nat(entries.length)))
      .map((moments) => moments.sort((a, b) => a - b) as [number, number, number])
      .chain(([begin, end, last]) =>
        fc.record({
          rules: fc.constant(rulesOf(slots)),
          entries: fc.constant(entries),
          begin: fc.constant(begin),
          first: fc.array(fc.integer({ min: begin, max: end }), { minLength: slots, maxLength: slots }),
          again: fc.array(fc.integer({ min: end, max: last }), { minLength: slots, maxLength: slots }),
        }),
      ),
  );

  /** What a slot held when the log had `length` entries. */
  const held = (entries: readonly LogEntry[], slots: number, slot: number, length: number) =>
    entries.slice(0, length).findLast(({ sequenceNumber }) => sequenceNumber % slots === slot);

  function read(reading: typeof readings extends fc.Arbitrary<infer T> ? T : never): Assembly {
    const { rules, entries, first, again, begin } = reading;
    const slots = first
      .map((length, slot) => held(entries, rules.slots, slot, length))
      .filter((one) => one !== undefined);
    const assembly = assembleLog(slots, new Map(), begin, rules);
    if (assembly.kind !== "read-slots") return assembly;
    const later = assembly.sequenceNumbers.map((n) => {
      const slot = rules.slotOf(n);
      return [n, held(entries, rules.slots, slot, again[slot] ?? 0)] as const;
    });
    return assembleLog(slots, new Map(later), begin, rules);
  }

  test("L7, L8: is one that was there, whole, or is read again, and is never called broken", () => {
    fc.assert(
      fc.property(readings, (reading) => {
        const { entries, begin } = reading;
        const assembly = read(reading);
        switch (assembly.kind) {
          case "empty":
            expect(begin).toBe(0);
            break;
          case "complete": {
            const { head } = assembly;
            expect(head.sequenceNumber).toBeGreaterThanOrEqual(begin);
            const first = head.base + 1;
            expect(assembly.entries).toEqual(entries.slice(first - 1, head.sequenceNumber));
            break;
          }
          case "start-again":
            expect(assembly.seen).toBeGreaterThan(begin);
            expect(assembly.seen).toBeLessThanOrEqual(entries.length);
            break;
          default:
            expect.unreachable(assembly.kind);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("L8: needs no second reading when all slots were read at one moment", () => {
    fc.assert(
      fc.property(histories, fc.nat(25), ({ slots, entries }, moment) => {
        const length = Math.min(moment, entries.length);
        const view = range(0, slots - 1).map((slot) => held(entries, slots, slot, length));
        const assembly = assembleLog(
          view.filter((one) => one !== undefined),
          new Map(),
          length,
          rulesOf(slots),
        );
        expect(assembly.kind).toBe(length === 0 ? "empty" : "complete");
      }),
    );
  });

  test("L8: is broken when an entry that the head needs is gone for good, or another's", () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.boolean(), ({ slots, entries }, pick, isGone) => {
        const head = entries.at(-1);
        fc.pre(head !== undefined && head.base + 1 < head.sequenceNumber);
        const needed = range(head.base + 1, head.sequenceNumber - 1);
        const victim = needed[pick % needed.length];
        const view = range(0, slots - 1)
          .map((slot) => held(entries, slots, slot, entries.length))
          .filter((one) => one !== undefined)
          .flatMap((one) =>
            one.sequenceNumber !== victim ? [one] : isGone ? [] : [{ ...one, attemptId: "somebody else's" }],
          );
        const again = new Map(numbersOf(entries).map((n) => [n, undefined]));
        expect(assembleLog(view, again, 0, rulesOf(slots)).kind).toBe("broken");
      }),
    );
  });

  test("L1: of any slots whatever makes a log only of consecutive entries that name each other", () => {
    const slots = fc.array(
      fc
        .tuple(fc.integer({ min: 1, max: 12 }), fc.nat(12), fc.boolean(), fc.constantFrom("a", "b"))
        .map(([n, base, selfContained, by]) => entry(n, { base, selfContained }, by)),
    );
    const again = fc.array(
      fc.tuple(
        fc.integer({ min: 1, max: 12 }),
        slots.map((all) => all[0]),
      ),
    );
    fc.assert(
      fc.property(slots, again, fc.nat(3), (view, more, seen) => {
        const assembly = assembleLog(view, new Map(more), seen, rulesOf(4));
        if (assembly.kind !== "complete") return;
        const { head, entries } = assembly;
        const first = head.base + 1;
        expect(numbersOf(entries)).toEqual(range(first, head.sequenceNumber));
        expect(entries.slice(1).map((one) => one.previousAttemptId)).toEqual(
          entries.slice(0, -1).map((one) => one.attemptId),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
