/**
 * The engine's patterns against the model: random patterns, random elements of several keys, out of order and late, in random batches over several partitions, random watermarks, and
 * everything but the log forgotten at random. `runs.ts` says how often.
 */

import fc from "fast-check";
import {
  at,
  boundedOutOfOrderness,
  json,
  MillraceError,
  milliseconds,
  type Operator,
  operator,
  stream,
  testDriver,
  topic,
} from "millrace";
import { expect, test } from "vitest";
import { buildPattern, fits, type Letter, type PatternText, parsePattern } from "../operators/pattern-notation.ts";
import { type ModelElement, PatternModel } from "./pattern-model.ts";
import { runsOf } from "./runs.ts";

const { numRuns, timeoutMs } = runsOf("patterns");

type Sent = ModelElement & { readonly key: string };
type Found = { readonly key: string; readonly result: string };

// Time moves only where the test moves it.
const watermark = boundedOutOfOrderness(milliseconds(1_000_000));
const letters = topic("letters", { value: json<Sent>(), watermark, partitions: 2 });
const late = topic("late", { value: json<Sent>(), partitions: 1 });
const found = topic("found", { value: json<Found>(), partitions: 1 });

const times = fc.constantFrom("", "", "", "{1,}", "{2,}", "{2}", "{1,2}", "{2,3}", "{0,2}", "{1}");
const stage = fc
  .tuple(
    fc.constantFrom("next", "followedBy", "followedBy", "followedByAny", "notNext", "notFollowedBy"),
    fc.constantFrom("a", "b", "c", "a|b", "b|c", "*"),
    times,
    fc.constantFrom("", "", "?"),
    fc.constantFrom("", "", " greedy"),
    fc.constantFrom("", "", "", " consecutive", " combinations"),
    fc.constantFrom("", "", "", " until a", " until c"),
  )
  .map(([contiguity, condition, ...rest]) =>
    contiguity.startsWith("not")
      ? ([contiguity, condition] as const)
      : ([contiguity, `${condition}${rest.join("")}`] as const),
  );

/** Builds it to see whether it is one. */
function isPattern(text: string): boolean {
  try {
    handlerOf(parsePattern(text), false);
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.code === "definition") return false;
    throw error;
  }
}

const pattern = fc
  .tuple(
    fc.array(stage, { minLength: 1, maxLength: 4 }),
    fc.constantFrom("", "", ", within 6", ", within 15"),
    fc.constantFrom("", "", ", toNext", ", pastLast", ", toFirst 0", ", toFirst 1", ", toLast 0", ", toLast 1"),
  )
  .map(
    ([stages, within, skip]) =>
      `${stages.map(([contiguity, rest], i) => (i === 0 ? rest : `${contiguity} ${rest}`)).join(", ")}${within}${skip}`,
  )
  .filter(isPattern);

const op = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      partition: fc.nat(1),
      batch: fc.array(
        fc.record({
          key: fc.constantFrom("k", "k", "l"),
          name: fc.constantFrom("a", "b", "c", "ab", "bc", "o", "a", "b", "c"),
          offsetMs: fc.integer({ min: -3, max: 12 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("watermark" as const), byMs: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "restart" as const }) },
);
const script = fc.record({ ops: fc.array(op, { minLength: 1, maxLength: 8 }), batchSize: fc.constantFrom(1_000, 2) });

function handlerOf(text: PatternText, rising: boolean): Operator {
  const name = (kind: string, match: object, timestampMs: number) => {
    const taken = Object.entries(match as Record<string, undefined | Sent | readonly Sent[]>).flatMap(
      ([stage, value]) => [value ?? []].flat().map(({ id }) => `${stage.slice(1)}:${id}`),
    );
    return `${kind} ${taken.join(" ")} at ${timestampMs}`;
  };
  const condition = (letters: string) =>
    rising
      ? (element: Sent, soFar: Record<string, undefined | Sent | readonly Sent[]>) =>
          fits(letters, element) &&
          Object.values(soFar).every((value) => [value ?? []].flat().every(({ id }) => id < element.id))
      : (element: Letter) => fits(letters, element);
  const matches = stream(letters)
    .keyBy(({ key }) => key, { parallelism: 2 })
    .pattern((p) => buildPattern(text, p, condition))
    .lateTo(late);
  const select = (match: object, { key, timestampMs }: { key: string; timestampMs: number }) => ({
    key,
    result: name("match", match, timestampMs),
  });
  const results =
    text.withinMs === undefined
      ? matches.select(select)
      : matches
          .timedOut((match, { key, timestampMs }) => ({ key, result: name("timedOut", match, timestampMs) }))
          .select(select);
  return operator("patterns", results.to(found.from((one) => one)));
}

test(
  "the same as the model",
  async () => {
    await fc.assert(
      fc.asyncProperty(pattern, fc.boolean(), script, async (text, rising, { ops, batchSize }) => {
        const parsed = parsePattern(text);
        await using driver = await testDriver(handlerOf(parsed, rising), { partitions: "declared", batchSize });
        const byKey: Record<string, Sent[]> = { k: [], l: [] };
        const isLate: number[] = [];
        let watermarkMs = 0;
        let id = 0;
        await driver.advanceWatermark(0);
        for (const step of [...ops, { kind: "watermark" as const, byMs: 40 }]) {
          if (step.kind === "restart") await driver.restart();
          else if (step.kind === "watermark") {
            watermarkMs += step.byMs;
            await driver.advanceWatermark(watermarkMs);
          } else {
            const sent = step.batch.map(({ key, name, offsetMs }): Sent => {
              const element = { key, name, id: id++, timestampMs: Math.max(0, watermarkMs + offsetMs) };
              if (element.timestampMs <= watermarkMs) isLate.push(element.id);
              else byKey[key]?.push(element);
              return element;
            });
            await driver.send(letters, ...sent.map((one) => at(one.timestampMs, one, { partition: step.partition })));
          }
          const all = await driver.read(found);
          for (const [key, elements] of Object.entries(byKey)) {
            const passed = elements
              .filter(({ timestampMs }) => timestampMs <= watermarkMs)
              .toSorted((a, b) => a.timestampMs - b.timestampMs);
            const expected = new PatternModel(parsed, rising, passed)
              .results(watermarkMs)
              .map(({ kind, elements: names, timestampMs }) => `${kind} ${names} at ${timestampMs}`);
            expect(all.filter((one) => one.key === key).map(({ result }) => result)).toEqual(expected);
          }
        }
        expect((await driver.read(late)).map((one) => one.id).sort((a, b) => a - b)).toEqual(isLate);
      }),
      { numRuns },
    );
  },
  timeoutMs,
);
