/** Lengths of time. A Duration is a number of milliseconds that can only be made by a function that names its unit. */

declare const unit: unique symbol;

/** A length of time in milliseconds; made by seconds(), minutes(), … Arithmetic on it gives a plain number. */
export type Duration = number & { readonly [unit]: "milliseconds" };

/** `n` milliseconds. Throws a RangeError unless `n` is finite. */
export function milliseconds(n: number): Duration {
  if (!Number.isFinite(n)) throw new RangeError(`A duration must be a finite number, not ${n}.`);
  return n as Duration;
}

/** `n` seconds, in milliseconds. */
export function seconds(n: number): Duration {
  return milliseconds(n * 1_000);
}

/** `n` minutes, in milliseconds. */
export function minutes(n: number): Duration {
  return milliseconds(n * 60_000);
}

/** `n` hours, in milliseconds. */
export function hours(n: number): Duration {
  return milliseconds(n * 3_600_000);
}

/** `n` days of 24 hours, in milliseconds. */
export function days(n: number): Duration {
  return milliseconds(n * 86_400_000);
}
