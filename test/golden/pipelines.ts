/** Pipelines and inputs whose results are kept in files: small enough to be checked by hand, wide enough to cross every part of the engine. */

import {
  at,
  boundedOutOfOrderness,
  counterState,
  json,
  listState,
  milliseconds,
  type Operator,
  operator,
  type Placed,
  seconds,
  stream,
  type Topic,
  text,
  topic,
  tumbling,
} from "millrace";

/** A pipeline: what it reads, what is sent, and the topics that its results are read from. */
export type Pipeline = {
  readonly name: string;
  readonly operators: readonly Operator[];
  readonly input: Topic<string, string, unknown, unknown>;
  readonly elements: readonly Placed<string>[];
  readonly outputs: readonly Topic<never, unknown, never, unknown>[];
};

const time = boundedOutOfOrderness(milliseconds(500));

/** A line of a poem every 700 ms, every third one a little late. */
const POEM = [
  "The millrace runs beneath the wheel",
  "and turns the stone, and turns the stone;",
  "it carries what it cannot feel",
  "and never is the race alone.",
  "",
  "The wheel above, the race below,",
  "the grain between, the stone, the flour:",
  "what comes too late has still to go",
  "and falls into another hour.",
];

const linesOf = (rounds: number) =>
  Array.from({ length: rounds * POEM.length }, (_, i) =>
    at(10_000 + i * 700 - (i % 3 === 2 ? 900 : 0), POEM[i % POEM.length] as string, { partition: i % 3 }),
  );

const lines = topic("lines", { value: text(), watermark: time, partitions: 3 });
const words = stream(lines).flatMap((line) => line.toLowerCase().match(/[a-z]+/g) ?? []);

type Count = { readonly window: number; readonly word: string; readonly count: number };
const counts = topic("counts", { key: text(), value: json<Count>(), partitions: 2 });

const wordCount: Pipeline = {
  name: "word count",
  operators: [
    operator(
      "count-words",
      words
        .keyBy((word) => word)
        .window(tumbling(seconds(5)))
        .count()
        .to(counts.from(({ key, value, window }) => ({ window: window.startMs, word: key, count: value }))),
    ),
  ],
  input: lines,
  elements: linesOf(3),
  outputs: [counts],
};

type Stats = { readonly window: number; readonly letter: string; readonly words: number; readonly longest: string };
const stats = topic("stats", { value: json<Stats>(), partitions: 2 });
const busiest = topic("busiest", { value: json<{ window: number; letters: readonly string[] }>(), partitions: 1 });

/** Elements come from several tasks, so that what is asked must not depend on their order: of two longest words it is the later in the alphabet. */
const lengthAndWord = (word: string) => `${String(word.length).padStart(2, "0")} ${word}`;

/** Two shuffles, aggregates of several things, and a second window over the results of the first. */
const letters: Pipeline = {
  name: "letters, and the busiest of them",
  operators: [
    (() => {
      const perLetter = words
        .keyBy((word) => word.slice(0, 1), { name: "by-letter", parallelism: 3 })
        .window(tumbling(seconds(5), { offset: seconds(1) }))
        .aggregate((on) => ({ words: on.count(), longest: on.maxBy(lengthAndWord) }));
      return operator(
        "letters",
        perLetter.to(
          stats.from(({ key, value, window }) => ({
            window: window.startMs,
            letter: key,
            words: value.words,
            longest: value.longest,
          })),
        ),
        perLetter
          .map(({ key, value }) => ({ letter: key, words: value.words }))
          .keyBy(() => "all", { name: "all", parallelism: 1 })
          .window(tumbling(seconds(10), { offset: seconds(1) }))
          .aggregate((on) => on.collect())
          .to(
            busiest.from(({ value, window }) => ({
              window: window.startMs,
              letters: [...value]
                .sort((a, b) => b.words - a.words || (a.letter < b.letter ? -1 : 1))
                .slice(0, 3)
                .map(({ letter, words: n }) => `${letter} ${n}`),
            })),
          ),
      );
    })(),
  ],
  input: lines,
  elements: linesOf(3),
  outputs: [stats, busiest],
};

const clean = topic("clean", { key: text(), value: text(), watermark: time, partitions: 2 });
const repeated = topic("repeated", { value: text(), partitions: 2 });

/** A topic that one operator writes and another reads; dead letters; state without windows. */
const twoOperators: Pipeline = {
  name: "clean, then count what is repeated",
  operators: [
    operator(
      "clean",
      stream(lines)
        .filter((line) => line !== "")
        .map((line) => {
          if (line.includes(":")) throw new Error("colons are not clean");
          return line.replaceAll(/[.,;]/g, "");
        })
        .keyBy((line) => line.slice(0, 3))
        .to(clean),
    ),
    operator(
      "count-repeated",
      stream(clean)
        .keyBy((line) => [line.split(" ").length, line.length])
        .count()
        .filter(({ value }) => value % 2 === 0)
        .to(
          repeated.record({
            value: ({ key, value }) => `${key.join(" words, ")} letters: ${value} times`,
            // Which of the lines comes second depends on the partitions' order.
            timestampMs: () => 0,
          }),
        ),
    ),
  ],
  input: lines,
  elements: linesOf(4),
  outputs: [clean, repeated],
};

const tooLate = topic("too-late", { key: text(), value: text(), partitions: 1 });
const sums = topic("sums", { value: json<{ window: number; first: string; letters: number }>(), partitions: 2 });

/** Some elements are a minute behind: they go to a topic of their own, and into no window. */
const lateness: Pipeline = {
  name: "late lines",
  operators: [
    operator(
      "late",
      stream(lines)
        .keyBy((line) => line.slice(0, 1))
        .window(tumbling(seconds(2)))
        .allowedLateness(seconds(4))
        .lateTo(tooLate)
        .sum((line) => line.length)
        .to(sums.from(({ key, value, window }) => ({ window: window.startMs, first: key, letters: value }))),
    ),
  ],
  input: lines,
  elements: linesOf(2).map((element, i) =>
    i % 5 === 4 ? at(element.timestampMs - 60_000 * (i > 8 ? 1 : 0), element.value, { partition: i % 3 }) : element,
  ),
  outputs: [sums, tooLate],
};

type Calm = { readonly word: string; readonly spoken: number; readonly untilMs: number };
const calms = topic("calms", { key: text(), value: json<Calm>(), partitions: 2 });

/** How long a word is waited for. */
export const CALM_MS = 3_000;

/** State and timers per key: each time a word has not been spoken for three seconds, how often it was before. What is spoken later may be there already. */
const calm: Pipeline = {
  name: "words and then calm",
  operators: [
    operator(
      "calm",
      words
        .keyBy((word) => word)
        .process({
          state: { spokenAt: listState<number>(), timers: counterState() },
          onElement(_, { state, timers, timestampMs }) {
            state.spokenAt.add(timestampMs);
            state.timers.add();
            timers.eventTime(timestampMs + CALM_MS);
          },
          onTimer({ key, state, firedAtMs }) {
            const before = state.spokenAt.get().filter((ms) => ms <= firedAtMs);
            if (before.some((ms) => ms > firedAtMs - CALM_MS)) return [];
            if (key === "hour") throw new Error("an hour is never calm");
            return [{ word: key, spoken: before.length, untilMs: firedAtMs }];
          },
        })
        .to(calms),
    ),
  ],
  input: lines,
  elements: linesOf(3),
  outputs: [calms],
};

type Rhyme = { readonly window: number; readonly ending: string; readonly words: readonly string[] };
const rhymes = topic("rhymes", { value: json<Rhyme>(), partitions: 2 });

/** Asks the outside before a shuffle, behind it and behind a window; answers come in any order, and one line has none. */
const asking: Pipeline = {
  name: "asking the outside",
  operators: [
    operator(
      "rhyme",
      stream(lines)
        .mapAsync(
          {
            call: async (line) => {
              await new Promise((resolve) => {
                setTimeout(resolve, line.length % 4);
              });
              if (line.includes("hour")) throw new Error("an hour rhymes with nothing");
              return line.toLowerCase().match(/[a-z]+/g) ?? [];
            },
            timeout: seconds(60),
            order: "unordered",
          },
          { name: "split" },
        )
        .flatMap((found) => [...found])
        .keyBy((word) => word.slice(-2))
        .mapAsync({ callBatch: async (all) => [...all], maxBatchSize: 3, timeout: seconds(60) })
        .window(tumbling(seconds(10)))
        .collect()
        .mapAsync(
          { call: async ({ value }) => [...new Set(value)].sort(), timeout: seconds(60) },
          {
            name: "sort",
            combine: ({ key, window }, found) => ({ window: window.startMs, ending: key, words: found }),
          },
        )
        .filter(({ words: found }) => found.length > 1)
        .to(rhymes),
    ),
  ],
  input: lines,
  elements: linesOf(3),
  outputs: [rhymes],
};

export const PIPELINES: readonly Pipeline[] = [wordCount, letters, twoOperators, lateness, calm, asking];
