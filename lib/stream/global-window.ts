/** One window per key, and windows that count. */

import type { GlobalSpec, GlobalWindow, WindowAssigner } from "./window-spec.ts";

/**
 * One window per key for all its elements. It never ends, so it gives no result without a trigger, and keeps what is in it until a trigger purges it. Its results
 * have the timestamp of the element, or of the timer, that made it fire.
 */
export function globalWindow(): WindowAssigner<unknown, GlobalWindow> {
  const spec: GlobalSpec = { kind: "global", time: "none" };
  return spec as GlobalSpec & WindowAssigner<unknown, GlobalWindow>;
}
