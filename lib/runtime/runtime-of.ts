/** One runtime per host: an execution environment keeps its warm cache between invocations. */

import { FunctionRuntime } from "./function-runtime.ts";
import type { Host } from "./host.ts";

const runtimes = new WeakMap<Host, FunctionRuntime>();

/** The runtime of a host; made at its first invocation. */
export function runtimeOf(host: Host): FunctionRuntime {
  let runtime = runtimes.get(host);
  if (runtime === undefined) {
    runtime = new FunctionRuntime(host);
    runtimes.set(host, runtime);
  }
  return runtime;
}
