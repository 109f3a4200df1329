/** Which sessions become one with another: those that it overlaps or touches, as in Flink. */

/** The sessions of `sorted` that meet the time from `startMs` to `endMs`: they stand side by side, from number `from` to before `to`, or none would stand at `from`. */
export function findMeeting(
  sorted: readonly (readonly [startMs: number, endMs: number, ...rest: unknown[]])[],
  startMs: number,
  endMs: number,
): { readonly from: number; readonly to: number } {
  let from = 0;
  for (let session = sorted[0]; session !== undefined && session[1] < startMs; session = sorted[++from]);
  let to = from;
  for (let session = sorted[to]; session !== undefined && session[0] <= endMs; session = sorted[++to]);
  return { from, to };
}
