/**
 * The watermark of a task with several inputs: the minimum over those that are active and aligned, as Flink's StatusWatermarkValve.
 * It never goes back.
 */

/** One input as the task last heard of it. */
export type InputWatermark = {
  watermarkMs: number;
  idle: boolean;
  /** False for an input that came back from idleness behind the combined watermark: it counts once it has reached it. */
  aligned: boolean;
};

/** An input that has not been heard of: it holds the watermark back until it speaks or is idle. */
export function unheardInput(): InputWatermark {
  return { watermarkMs: Number.NEGATIVE_INFINITY, idle: false, aligned: true };
}

/** Takes note of what an input says; `combinedMs` is the task's watermark so far. */
export function hear(input: InputWatermark, watermarkMs: number, idle: boolean, combinedMs: number): void {
  input.watermarkMs = Math.max(input.watermarkMs, watermarkMs);
  if (idle) input.aligned = false;
  else if (input.watermarkMs >= combinedMs) input.aligned = true;
  input.idle = idle;
}

/** The combined watermark, given the one so far. When all inputs are idle it is the greatest that any of them reached. */
export function combine(
  inputs: Iterable<InputWatermark>,
  combinedMs: number,
): { readonly watermarkMs: number; readonly idle: boolean } {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  let active = false;
  let aligned = false;
  for (const input of inputs) {
    greatest = Math.max(greatest, input.watermarkMs);
    if (input.idle) continue;
    active = true;
    if (!input.aligned) continue;
    aligned = true;
    least = Math.min(least, input.watermarkMs);
  }
  if (!active) return { watermarkMs: Math.max(combinedMs, greatest), idle: true };
  return { watermarkMs: aligned ? Math.max(combinedMs, least) : combinedMs, idle: false };
}

/** The inputs that hold the combined watermark back: of those that are active and aligned the slowest. None where all are idle. */
export function slowestOf(inputs: Iterable<readonly [name: string, input: InputWatermark]>): string[] {
  let least = Number.POSITIVE_INFINITY;
  let slowest: string[] = [];
  for (const [name, { watermarkMs, idle, aligned }] of inputs) {
    if (idle || !aligned || watermarkMs > least) continue;
    if (watermarkMs < least) slowest = [];
    least = watermarkMs;
    slowest.push(name);
  }
  return slowest;
}
