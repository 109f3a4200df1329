/** An operator that asks about words, with answers in upper case and none for bad words: what tests of mapAsync that fails have in common. */

import {
  asyncFunction,
  at,
  json,
  type KeyedStream,
  monotonic,
  operator,
  type Stream,
  seconds,
  stream,
  text,
  topic,
} from "millrace";

export const words = topic("words", { key: text(), value: text(), watermark: monotonic() });
export const answers = topic("answers", { value: json<unknown>() });
export const others = topic("others", { value: json<unknown>() });

const bad = (word: string) => /^bad/.test(word);
export const at0 = (...all: readonly string[]) => all.map((word, i) => at(i, word));

/** Upper case, but for bad words; counts the calls of each. */
export function upper(options: object = {}) {
  const calls: string[] = [];
  const fn = asyncFunction({
    call: async (word: string) => {
      calls.push(word);
      if (bad(word)) throw new Error(`no ${word}`);
      return word.toUpperCase();
    },
    timeout: seconds(5),
    ...options,
  });
  return { fn, calls };
}

type Built = Stream<unknown, unknown> | KeyedStream<unknown, unknown>;

export const operatorOf = (build: (from: Stream<string, string>) => Built, onError?: "fail") =>
  operator(
    { name: "ask", ...(onError !== undefined && { onError }) },
    build(stream(words)).to(answers.record({ value: (value) => value })),
  );
