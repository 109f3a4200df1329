/** What is known of an example while it runs, and how it is shown. */

import type { ProgressView } from "../demo/screen.ts";
import { describeInjected, formatCount, label, showShare, truncate } from "../demo/screen-model.ts";
import type { FaultCounts } from "../lib/simulation/faults.ts";

export type ExampleProgress = {
  readonly records: number;
  readonly recordsDone: number;
  /** In all topics that are verified. */
  readonly results: number;
  /** What was done to the run on purpose; undefined where nothing is. */
  readonly injected: Readonly<FaultCounts> | undefined;
};

export const EXAMPLE_VIEW: ProgressView<ExampleProgress> = {
  toLines({ records, recordsDone, results, injected }, columns) {
    const lines = [
      [],
      showShare("running", recordsDone / Math.max(1, records), columns),
      label("records", `${formatCount(recordsDone)} of ${formatCount(records)}`),
      label("results", formatCount(results)),
    ];
    if (injected !== undefined) lines.push(label("injected", describeInjected(injected)));
    return lines.map((line) => truncate(line, columns));
  },
  toSentence: ({ records, recordsDone, results, injected }) =>
    `Processed: ${formatCount(recordsDone)} of ${formatCount(records)} records, ${formatCount(results)} results${injected === undefined ? "" : `, injected: ${describeInjected(injected)}`}.`,
};
