/** Copies of values as they are kept in state: nothing that is done to the copy reaches the value. */

/** A deep copy of a storable value: JSON values, bigint, Uint8Array. */
export function copyStorable(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array<unknown>(value.length);
    for (let i = 0; i < value.length; i++) copy[i] = copyStorable(value[i]);
    return copy;
  }
  if (value instanceof Uint8Array) return value.slice();
  const copy: Record<string, unknown> = {};
  // Assigning this name would set the prototype.
  for (const name of Object.keys(value))
    if (name === "__proto__")
      Object.defineProperty(copy, name, {
        value: copyStorable((value as Record<string, unknown>)[name]),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else copy[name] = copyStorable((value as Record<string, unknown>)[name]);
  return copy;
}
