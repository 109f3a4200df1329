/** Freezes elements, so that a function that changes its input is found out (strict mode). */

/** Freezes a value and all that is in it; bytes cannot be frozen. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
}
