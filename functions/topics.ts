/** The topics of this application: what is in them and how their time goes, declared once for all who write and read them. */

import { boundedOutOfOrderness, json, seconds, text, topic } from "millrace";

/** Lines of text. Their time is the Kafka record's, and up to two seconds out of order. */
export const lines = topic("lines", {
  value: text(),
  watermark: boundedOutOfOrderness(seconds(2), { idleAfter: seconds(1) }),
  partitions: 4,
});

/** How often a word stood in the lines of five seconds: one record per word and window. */
export const wordCounts = topic("word-counts", {
  key: text(),
  value: json<{ word: string; count: number; windowStartMs: number }>(),
  partitions: 4,
});

/** The lines again, without blank ones and without superfluous space. */
export const cleanLines = topic("clean-lines", {
  value: text(),
  partitions: 4,
});
