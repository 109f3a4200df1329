/** Counts words per five seconds: the word count that everybody knows from Flink. */

import { operator, seconds, stream, tumbling } from "millrace";
import { lines, wordCounts } from "./topics.ts";

export const handler = operator(
  "count-words",
  stream(lines)
    .flatMap((line) =>
      line
        .toLowerCase()
        .split(/\W+/)
        .filter((word) => word !== ""),
    )
    .keyBy((word) => word)
    .window(tumbling(seconds(5)))
    .count()
    .to(wordCounts.from(({ key, value, window }) => ({ word: key, count: value, windowStartMs: window.startMs }))),
);
