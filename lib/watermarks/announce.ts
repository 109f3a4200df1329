/** When a task tells its watermark to partitions of a shuffle that get no elements: once per step, so that windows close everywhere. */

/** Whether the watermark passed a multiple of `stepMs` since it was last told to all partitions. */
export function passedStep(announcedMs: number, watermarkMs: number, stepMs: number): boolean {
  if (watermarkMs === announcedMs) return false;
  if (!Number.isFinite(announcedMs) || !Number.isFinite(watermarkMs)) return watermarkMs > announcedMs;
  // A window that ends at a multiple m closes at watermark m − 1.
  return Math.floor((watermarkMs + 1) / stepMs) > Math.floor((announcedMs + 1) / stepMs);
}
