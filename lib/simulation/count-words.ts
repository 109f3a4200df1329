/**
 * Words counted in windows, the counts added up by another operator; what is late, and what throws, goes to topics of its own. With idle partitions the
 * clock closes the windows; else the last line of each partition does.
 *
 * Of every word in every window: what was counted, came late and was set aside is together what was said.
 */

import type { StateChanges } from "../state/keyed-state.ts";
import type { Draw } from "./draw.ts";
import { add, differences, headerOf, type Input, type MakeProgram, type Program, type Results } from "./program.ts";
import type { Production } from "./variants.ts";

const PARTITIONS = 2;
const WINDOW_MS = 40;
const BOUND_MS = 10;
const IDLE_AFTER_MS = 3_000;
/** A line with it throws before the shuffle, a word behind it. */
const BAD_LINE = "!";
const BAD_WORD = "bad";
const LAST = "last";
/** Long enough for entries that do not fit into an item of the small scale. */
const LONG_CHARS = 900;

const VOCABULARY = ["to", "be", "or", "not", "that", "is", "the", "question", "whether", "nobler", BAD_WORD];

type WordCount = { readonly word: string; readonly count: number; readonly startMs: number };

type Kind = {
  readonly name: string;
  readonly isIdle: boolean;
  /** Whether another operator reads the counts. */
  readonly addsUp: boolean;
  /** Whether late words go to a topic; else they are aggregated before the shuffle, and none is late. */
  readonly keepsLate: boolean;
};

const makeProgram =
  (kind: Kind): MakeProgram =>
  (production) => ({
    name: kind.name,
    operators: operatorsOf(production, kind),
    exactlyOnce: new Set(["totals"]),
    mayStartOver: !kind.addsUp,
    inputs: (draw, startMs) => inputsOf(draw, startMs, kind),
    judgeState,
    judge: (inputs, results) => judge(inputs, results, kind),
  });

export const countWords = makeProgram({
  name: "count words, and add up",
  isIdle: false,
  addsUp: true,
  keepsLate: true,
});
export const countWordsEarly = makeProgram({
  name: "count words before the shuffle, and add up",
  isIdle: false,
  addsUp: true,
  keepsLate: false,
});
export const countWordsIdle = makeProgram({
  name: "count words of idle partitions",
  isIdle: true,
  addsUp: false,
  keepsLate: true,
});

function operatorsOf(production: Production, { isIdle, addsUp, keepsLate }: Kind): Program["operators"] {
  const { boundedOutOfOrderness, json, milliseconds, operator, stream, text, topic, tumbling } = production;
  const bound = milliseconds(BOUND_MS);
  const watermark = isIdle
    ? boundedOutOfOrderness(bound, { idleAfter: milliseconds(IDLE_AFTER_MS) })
    : boundedOutOfOrderness(bound);
  const lines = topic("lines", { value: text(), watermark, partitions: PARTITIONS });
  const counts = topic("counts", { key: text(), value: json<WordCount>(), partitions: PARTITIONS });
  const late = topic("late", { value: text(), partitions: 1 });
  const totals = topic("totals", { key: text(), value: json<number>(), partitions: 1, exactlyOnce: true });
  const windows = stream(lines)
    .flatMap((line) => {
      if (line.startsWith(BAD_LINE)) throw new Error("a bad line");
      return line.split(" ");
    })
    .keyBy((word) => word)
    .window(tumbling(milliseconds(WINDOW_MS)));
  const count = operator(
    "count-words",
    (keepsLate ? windows.lateTo(late) : windows).count().to(
      counts.record({
        key: ({ key }) => key,
        value: ({ key, value, window }) => {
          if (key === BAD_WORD) throw new Error("a bad word");
          return { word: key, count: value, startMs: window.startMs };
        },
      }),
    ),
  );
  if (!addsUp) return [count];
  const addUp = operator(
    "add-up",
    stream(counts)
      .keyedByTopicKey()
      .sum((one) => one.count)
      .to(totals.from(({ value }) => value)),
  );
  return [count, addUp];
}

function inputsOf(draw: Draw, startMs: number, { isIdle, keepsLate }: Kind): Input[] {
  const lines = draw.between(1, draw.pick([4, 8, 8, 24, 40]));
  const pauseMs = draw.magnitude(2, isIdle ? 3_000 : 300);
  // Long enough for all windows to close and new ones to begin.
  const restRate = isIdle ? 0.15 : 0;
  const badRate = draw.occurs(0.3) ? 0.1 : 0;
  const lateRate = keepsLate && draw.occurs(0.3) ? 0.1 : 0;
  const longRate = draw.occurs(0.3) ? 0.2 : 0;
  const inputs: Input[] = [];
  let atMs = 0;
  for (let i = 0; i < lines; i += 1) {
    atMs += draw.occurs(restRate) ? IDLE_AFTER_MS + draw.below(2 * IDLE_AFTER_MS) : draw.below(pauseMs * 2);
    const words = Array.from({ length: draw.between(1, 5) }, () =>
      draw.occurs(longRate) ? longWord(draw) : draw.pick(VOCABULARY),
    );
    // Event times of a stream without pauses: where the clock has no say, windows are to fill all the same.
    const eventMs = startMs + (isIdle ? atMs : i * 5);
    const behindMs = draw.occurs(lateRate) ? draw.below(200) : draw.below(BOUND_MS + 1);
    inputs.push({
      topic: "lines",
      partition: draw.below(PARTITIONS),
      atMs,
      timestampMs: Math.max(startMs, eventMs + BOUND_MS - behindMs),
      key: null,
      value: `${draw.occurs(badRate) ? BAD_LINE : ""}${words.join(" ")}`,
    });
  }
  if (isIdle) return inputs;
  const last = { topic: "lines", atMs, timestampMs: startMs + 1_000_000, key: null, value: LAST };
  return [...inputs, ...Array.from({ length: PARTITIONS }, (_, partition) => ({ ...last, partition }))];
}

/** Of many different characters, so that no compression makes it short. */
function longWord(draw: Draw): string {
  let word = "";
  for (let i = 0; i < LONG_CHARS; i += 1) word += String.fromCharCode(97 + draw.below(26));
  return word;
}

/** A window that the watermark has passed is kept by nobody. */
function judgeState(functionName: string, state: StateChanges, watermarkMs: number): string[] {
  if (functionName !== "count-words--by-key") return [];
  const kept = Object.values(state).flatMap(({ s = [] }) => s.map(([startMs]) => Number(startMs)));
  const passed = kept.filter((startMs) => startMs + WINDOW_MS - 1 <= watermarkMs);
  return passed.length === 0 ? [] : [`the window ${passed[0]} is kept although the watermark is ${watermarkMs}`];
}

function windowOf(timestampMs: number): number {
  return Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
}

function judge(inputs: readonly Input[], results: Results, { isIdle, addsUp }: Kind): string[] {
  const said = new Map<string, number>();
  let badLines = 0;
  for (const { timestampMs, value } of inputs) {
    if (value.startsWith(BAD_LINE)) badLines += 1;
    // No clock and no watermark ever closes the window of the last lines.
    else if (value !== LAST) for (const word of value.split(" ")) add(said, `${windowOf(timestampMs)} ${word}`, 1);
  }
  const wrong: string[] = [];
  const heard = new Map<string, number>();
  const closed = new Set<string>();
  const close = (startMs: number, word: string, count: number) => {
    const name = `${startMs} ${word}`;
    if (closed.has(name)) wrong.push(`the window ${name} was closed twice`);
    closed.add(name);
    add(heard, name, count);
  };
  for (const { value } of results.of("counts")) {
    const { startMs, word, count } = JSON.parse(value) as WordCount;
    close(startMs, word, count);
  }
  let buried = 0;
  const late = results.of("late");
  for (const { value, timestampMs } of late) add(heard, `${windowOf(timestampMs)} ${value}`, 1);
  for (const letter of results.of("count-words--dead-letters")) {
    if (headerOf(letter, "millrace-offset") !== "timer") buried += 1;
    else {
      // Of the result that could not be written only the window is known.
      const { key, window } = JSON.parse(letter.value) as { key: string; window: { startMs: number } };
      const name = `${window.startMs} ${key}`;
      close(window.startMs, key, Math.max(1, (said.get(name) ?? 0) - (heard.get(name) ?? 0)));
    }
  }
  if (results.isPartial ? buried > badLines : buried !== badLines)
    wrong.push(`${buried} lines were set aside instead of ${badLines}`);
  const isInTime = inputs.every(({ timestampMs }, i) =>
    inputs.slice(0, i).every((before) => before.timestampMs - BOUND_MS <= timestampMs),
  );
  if (!isIdle && isInTime && late.length > 0) wrong.push(`${late.length} words came late although no line did`);
  // What came late may not have been told yet.
  const isExact = !results.isPartial || (isInTime && !isIdle);
  if (isExact) wrong.push(...differences("the count", said, heard, results.isPartial));
  else for (const [name, n] of heard) if (n > (said.get(name) ?? 0)) wrong.push(`the count: ${name} is ${n}, too many`);
  return addsUp ? [...wrong, ...judgeTotals(results)] : wrong;
}

/** The totals of a word grow by one count after the other, and end at their sum. */
function judgeTotals(results: Results): string[] {
  const expected = new Map<string, number>();
  for (const { value } of results.of("counts")) {
    const { word, count } = JSON.parse(value) as WordCount;
    add(expected, word, count);
    add(expected, `results of ${word}`, 1);
  }
  const found = new Map<string, number>();
  for (const { key, value } of results.of("totals")) {
    const word = key ?? "";
    found.set(word, Math.max(found.get(word) ?? 0, Number(value)));
    add(found, `results of ${word}`, 1);
  }
  if (!results.isPartial) return differences("the total", expected, found, false);
  return [...found].flatMap(([name, n]) =>
    n > (expected.get(name) ?? 0) ? [`the total: ${name} is ${n}, too many`] : [],
  );
}
