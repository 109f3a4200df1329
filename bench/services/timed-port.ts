/** A port whose calls are timed from outside: what stands behind it does not know. */

/** Milliseconds by method, added up since they were last taken. */
export class TimesByMethod {
  #times = new Map<string, number>();

  add(method: string, ms: number): void {
    this.#times.set(method, (this.#times.get(method) ?? 0) + ms);
  }

  take(): ReadonlyMap<string, number> {
    const taken = this.#times;
    this.#times = new Map();
    return taken;
  }
}

/** The same port; the time until what a method returned was settled goes to `times`. */
export function timePort<T extends object>(port: T, times: TimesByMethod): T {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const startMs = performance.now();
        const result: unknown = value.apply(target, args);
        if (!(result instanceof Promise)) return result;
        return result.finally(() => times.add(String(name), performance.now() - startMs));
      };
    },
  });
}
