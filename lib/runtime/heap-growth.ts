/** Lets V8's heap grow further between two full collections. */

import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** By how much of what lives the heap may grow before all of it is collected. */
const GROWTH_PERCENT = 400;
/** Where less is allowed, memory is dearer than processor time. */
const HEAP_BYTES_MIN = 256 * 1024 * 1024;

/**
 * Once in a process that runs functions. The event of a batch is megabytes of text or objects that live until its commit, so that they reach V8's old
 * generation. Beside a small state that is much, and V8 collects everything once for each event: on a busy machine half of a function's processor time
 * (`npm run bench -- --peers --sides functions-parsed,functions-tight`). The heap still ends half way between what lives and V8's own limit, which is that of the function's memory.
 */
export function letHeapGrow(): void {
  if (getHeapStatistics().heap_size_limit < HEAP_BYTES_MIN) return;
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
