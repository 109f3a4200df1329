/** What an event source mapping tells, as a sentence. */

import type { MappingNotice } from "../local/mapping-options.ts";
import { showPlural } from "./printable.ts";

/** The sentence, without its end. */
export function describeNotice(notice: MappingNotice): string {
  switch (notice.kind) {
    case "invoked": {
      const { records, partitions, outcome, tookMs } = notice;
      const what = `${showPlural(records, "record")} of ${partitions.length === 1 ? "partition" : "partitions"} ${partitions.join(", ")}`;
      if (outcome.kind === "succeeded") return `${what} in ${Math.round(tookMs)} ms`;
      return `${what} failed: ${outcome.error instanceof Error ? outcome.error.message : String(outcome.error)}`;
    }
    case "discarded":
      return `given up: ${notice.discarded.condition}, ${notice.discarded.partitions.map((p) => `partition ${p.partition}, offsets ${p.firstOffset} to ${p.lastOffset}`).join("; ")}`;
    case "reset":
      return `partition ${notice.partition}: offset ${notice.from} is not there any more, going on at ${notice.to}`;
    case "broker-failed":
      return notice.error instanceof Error ? notice.error.message : String(notice.error);
    default:
      return notice satisfies never;
  }
}

/** Whether it is what is expected, for standard output; the rest is for standard error. */
export function isExpected(notice: MappingNotice): boolean {
  return notice.kind === "invoked" && notice.outcome.kind === "succeeded";
}
