/** When a task tells its watermark to partitions of a shuffle that get no elements: once per step, so that windows close everywhere. */

/** Event times `n · stepMs + offsetMs` at which something is due. */
export type AnnounceGrid = { readonly stepMs: number; readonly offsetMs: number };

/** Whether the watermark passed a point of the grid since it was last told to all partitions. */
export function passedStep(announcedMs: number, watermarkMs: number, { stepMs, offsetMs }: AnnounceGrid): boolean {
  if (watermarkMs === announcedMs) return false;
  if (!Number.isFinite(announcedMs) || !Number.isFinite(watermarkMs)) return watermarkMs > announcedMs;
  // A window that ends at a point p closes at watermark p − 1.
  const reached = (ms: number) => Math.floor((ms + 1 - offsetMs) / stepMs);
  return reached(watermarkMs) > reached(announcedMs);
}
