/** Bounded out-of-orderness: the watermark of a source partition from the newest timestamp read, as Flink's BoundedOutOfOrdernessWatermarks. */

/** `newest − bound − 1`; −∞ before the first element. */
export function boundedWatermark(newestMs: number, boundMs: number): number {
  return newestMs - boundMs - 1;
}

/** What the watermark is when there is nothing to read anywhere and it may follow the clock. */
export function clockWatermark(nowMs: number, boundMs: number): number {
  return nowMs - boundMs - 1;
}

/** When a watermark that follows the clock reaches `timerMs`. */
export function clockReaches(timerMs: number, boundMs: number): number {
  return timerMs + boundMs + 1;
}

/** Whether a partition that was last active at `activeAtMs` and has nothing to read is idle: strictly longer than the bound. */
export function isIdle(nowMs: number, activeAtMs: number, idleAfterMs: number): boolean {
  return nowMs - activeAtMs > idleAfterMs;
}
