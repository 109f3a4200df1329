/** Lengths of time in words, without loss. */

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** In the largest unit of which it is a whole number: 30 min, 90 s, 1500 ms. */
export function toDurationText(ms: number): string {
  if (ms === 0) return "0 ms";
  const [size, unit] = UNITS.find(([size]) => ms % size === 0) ?? [1, "ms"];
  return `${ms / size} ${unit}`;
}
