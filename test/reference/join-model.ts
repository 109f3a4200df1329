/**
 * What joins must do, as plainly as possible: every element is kept for good, every result is found by comparing all with all. Written from the rules, not
 * from the engine.
 */

export type Side = "left" | "right";

type Kept = { readonly side: Side; readonly key: string; readonly n: number; readonly timestampMs: number };

export type ModelPair = { readonly left: number; readonly right: number | null; readonly timestampMs: number };

/** Interval join: the bounds are inclusive. */
export class IntervalModel {
  readonly #lowerMs: number;
  readonly #upperMs: number;
  readonly #kept: Kept[] = [];
  #watermarkMs = Number.NEGATIVE_INFINITY;
  /** Since the last `take`. */
  #pairs: ModelPair[] = [];
  readonly late: Record<Side, number[]> = { left: [], right: [] };

  constructor(lowerMs: number, upperMs: number) {
    this.#lowerMs = lowerMs;
    this.#upperMs = upperMs;
  }

  element(side: Side, key: string, n: number, timestampMs: number): void {
    if (timestampMs < this.#watermarkMs) {
      this.late[side].push(n);
      return;
    }
    const element = { side, key, n, timestampMs };
    for (const other of this.#kept) {
      if (other.key !== key || other.side === side || !this.#isKept(other)) continue;
      const [left, right] = side === "left" ? [element, other] : [other, element];
      const apartMs = right.timestampMs - left.timestampMs;
      if (apartMs >= this.#lowerMs && apartMs <= this.#upperMs)
        this.#pairs.push({
          left: left.n,
          right: right.n,
          timestampMs: Math.max(left.timestampMs, right.timestampMs),
        });
    }
    this.#kept.push(element);
  }

  advanceWatermark(toMs: number): void {
    this.#watermarkMs = toMs;
  }

  take(): ModelPair[] {
    const taken = this.#pairs;
    this.#pairs = [];
    return taken;
  }

  #isKept({ side, timestampMs }: Kept): boolean {
    const keepMs = Math.max(side === "left" ? this.#upperMs : -this.#lowerMs, 0);
    return this.#watermarkMs < timestampMs + keepMs;
  }
}

type Version = { readonly key: string; readonly n: number | null; readonly timestampMs: number };

/** Stream–table join. */
export class TableModel {
  readonly #mode: "inner" | "left";
  /** Those that are not dropped, in order of arrival. */
  #versions: Version[] = [];
  #lefts: Kept[] = [];
  #pairs: ModelPair[] = [];

  constructor(mode: "inner" | "left") {
    this.#mode = mode;
  }

  left(key: string, n: number, timestampMs: number): void {
    this.#lefts.push({ side: "left", key, n, timestampMs });
  }

  /** A version; null: a tombstone. */
  version(key: string, n: number | null, timestampMs: number): void {
    this.#versions.push({ key, n, timestampMs });
  }

  advanceWatermark(toMs: number): void {
    const due = this.#lefts.filter(({ timestampMs }) => timestampMs <= toMs);
    this.#lefts = this.#lefts.filter(({ timestampMs }) => timestampMs > toMs);
    for (const { key, n, timestampMs } of due) {
      const right = this.#newestAt(key, timestampMs)?.n ?? null;
      if (right !== null || this.#mode === "left") this.#pairs.push({ left: n, right, timestampMs });
    }
    const newest = new Map(this.#versions.map(({ key }) => [key, this.#newestAt(key, toMs)]));
    this.#versions = this.#versions.filter((version) => {
      const kept = newest.get(version.key);
      return version.timestampMs > toMs || (version === kept && kept.n !== null);
    });
  }

  take(): ModelPair[] {
    const taken = this.#pairs;
    this.#pairs = [];
    return taken;
  }

  /** The newest version that is not newer; of two of one time the one that came last. */
  #newestAt(key: string, timestampMs: number): Version | undefined {
    let newest: Version | undefined;
    for (const version of this.#versions)
      if (version.key === key && version.timestampMs <= timestampMs)
        if (newest === undefined || version.timestampMs >= newest.timestampMs) newest = version;
    return newest;
  }
}
