/** Which blocks of the protocol's files were never run: V8 counts them, so that nothing in the files themselves has to. */

import { Session } from "node:inspector/promises";
import { sourceOf } from "./variants.ts";

/** Where decisions are made that only faults and races bring about. */
const PROTOCOL_FILES = [
  "kafka/lost-transaction-ends.ts",
  "kafka/transactions.ts",
  "kafka/write-batches.ts",
  "runtime/find-hole.ts",
  "runtime/find-input.ts",
  "runtime/kept-log.ts",
  "runtime/open-task.ts",
  "runtime/prepared-bundles.ts",
  "runtime/read-shuffle.ts",
  "runtime/send-ahead.ts",
  "runtime/snapshot.ts",
  "runtime/task.ts",
  "state/chunk-ledger.ts",
  "state/chunk-range.ts",
  "state-log/decisions.ts",
  "state-log/dynamodb-parts.ts",
  "state-log/dynamodb-state-log.ts",
  "state-log/segments.ts",
  "state-log/workflow.ts",
  "watermarks/announce.ts",
  "watermarks/combined.ts",
];

const LIB = new URL("../", import.meta.url);

/** A block that was not run: the line it begins in, and its text up to the end of that line. */
export type UnrunBlock = { readonly file: string; readonly line: number; readonly text: string };

export class BlockCoverage {
  readonly #session = new Session();

  /** Counts from now on; what is loaded before is not seen. */
  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post("Profiler.enable");
    await this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** The blocks of the protocol's files, as loaded under the name of a variant, that have not been run. */
  async unrun(variant: string): Promise<UnrunBlock[]> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    const files = new Map(PROTOCOL_FILES.map((file) => [`${new URL(file, LIB).href}?variant=${variant}`, file]));
    return result.flatMap(({ url, functions }) => {
      const file = files.get(url);
      if (file === undefined) return [];
      const source = sourceOf(variant, file);
      return (
        functions
          .flatMap(({ ranges }) => ranges)
          .filter(({ count }) => count === 0)
          .map(({ startOffset, endOffset }) => toBlock(file, source, startOffset, endOffset))
          // Where nothing but the ends of blocks stands: behind a loop that is only left by a return.
          .filter(({ text }) => text !== "")
      );
    });
  }
}

function toBlock(file: string, source: string, from: number, to: number): UnrunBlock {
  // A block begins behind the one before it, often with spaces and a brace.
  const text = source.slice(from, to);
  const begins = from + (/^[\s{}]*/.exec(text)?.[0].length ?? 0);
  const line = source.slice(0, begins).split("\n").length;
  return { file, line, text: (source.slice(begins, to).split("\n")[0] ?? "").trim() };
}
