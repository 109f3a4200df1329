/** Programs over a variant of the production code, ready to be run again and again. */

import type { Topology } from "../stream/plan.ts";
import { cleanAndTally } from "./clean-and-tally.ts";
import { countWords, countWordsEarly, countWordsIdle } from "./count-words.ts";
import { meetAndWait } from "./meet-and-wait.ts";
import type { Program } from "./program.ts";
import type { Production } from "./variants.ts";
import { loadVariant, type Patch } from "./variants.ts";

export type LoadedProgram = { readonly program: Program; readonly topology: Topology };

export type Loaded = { readonly production: Production; readonly programs: readonly LoadedProgram[] };

/** Sizes of a run that takes milliseconds: a ring that goes round, states and outputs that do not fit. */
const SMALL_SCALE: readonly Patch[] = [
  { file: "state-log/state-log.ts", find: "RING_SLOTS = 32", replace: "RING_SLOTS = 6" },
  { file: "runtime/commit-limits.ts", find: "resultsMax: 20_000", replace: "resultsMax: 3" },
  { file: "runtime/commit-limits.ts", find: "aheadBytesMin: 4 * 1024", replace: "aheadBytesMin: 180" },
  { file: "runtime/send-ahead.ts", find: "BUNDLE_SHARE_MIN = 1 / 8", replace: "BUNDLE_SHARE_MIN = 4 / 9" },
  {
    file: "runtime/prepared-bundles.ts",
    find: "MEMORY_BYTES_MAX = 4 * 1024 * 1024",
    replace: "MEMORY_BYTES_MAX = 500",
  },
  {
    file: "runtime/prepared-bundles.ts",
    find: "FETCH_BYTES_MAX = 4 * 1024 * 1024",
    replace: "FETCH_BYTES_MAX = 300",
  },
  { file: "runtime/find-hole.ts", find: "FETCH_BYTES_MAX = 4 * 1024 * 1024", replace: "FETCH_BYTES_MAX = 600" },
  { file: "runtime/snapshot.ts", find: "changesBytes * 1.25", replace: "changesBytes * 0" },
  { file: "runtime/snapshot.ts", find: "SELF_CONTAINED_BYTES = 1_024", replace: "SELF_CONTAINED_BYTES = 48" },
  { file: "state-log/dynamodb-items.ts", find: "SHARDS = 4", replace: "SHARDS = 2" },
  { file: "state-log/dynamodb-items.ts", find: "ITEM_BYTES_MAX = 390 * 1024", replace: "ITEM_BYTES_MAX = 1_600" },
  { file: "state-log/dynamodb-state-log.ts", find: "ITEM_BYTES_MAX - 4 * 1024", replace: "ITEM_BYTES_MAX - 1_200" },
  { file: "state-log/dynamodb-parts.ts", find: "PART_BYTES = 384 * 1024", replace: "PART_BYTES = 512" },
  { file: "state-log/s3-cost.ts", find: "S3_CHUNK_BYTES_MIN = 32 * 1024", replace: "S3_CHUNK_BYTES_MIN = 60" },
  { file: "state-log/segments.ts", find: "PLACES_MIN = 4", replace: "PLACES_MIN = 2" },
  { file: "state-log/segments.ts", find: "PLACES_MAX = 1_024", replace: "PLACES_MAX = 8" },
  // Longer than the places allow, so that there is not always room.
  { file: "state-log/segments.ts", find: "PLACES_MAX - Math.floor(PLACES_MAX / 8)", replace: "PLACES_MAX * 8" },
  { file: "runtime/kept-log.ts", find: "LONG_SPAN_MIN = 2 * RING_SLOTS", replace: "LONG_SPAN_MIN = RING_SLOTS / 2" },
  { file: "runtime/kept-log.ts", find: "ENTRY_BYTES = 256", replace: "ENTRY_BYTES = 0" },
  { file: "runtime/kept-log.ts", find: "LOG_OF_CHUNKS = 1 / 2", replace: "LOG_OF_CHUNKS = 4" },
  { file: "state/chunk-range.ts", find: "CHUNK_BYTES_MAX = 96 * 1024", replace: "CHUNK_BYTES_MAX = 300" },
  { file: "state/chunk-range.ts", find: "KEYS_MIN = 8", replace: "KEYS_MIN = 1" },
];

/** What takes long and is done again and again with the same bytes. */
const REMEMBERED: readonly Patch[] = [
  { file: "wire/compress.ts", find: '"node:zlib"', replace: '"../simulation/zstd-memory.ts"' },
];

/** What all programs are called. */
export const APPLICATION = "simulated";

const PROGRAMS = [countWords, countWordsEarly, countWordsIdle, cleanAndTally, meetAndWait];

/** Loads the production code at the small scale, with patches beside. `name`: unique in this process. */
export async function load(name: string, patches: readonly Patch[] = []): Promise<Loaded> {
  const production = await loadVariant(name, [...SMALL_SCALE, ...REMEMBERED, ...patches]);
  const programs = PROGRAMS.map((make) => {
    const program = make(production);
    const definitions = program.operators.map(({ definition }) => definition);
    return { program, topology: production.buildTopology(APPLICATION, definitions) };
  });
  return { production, programs };
}
