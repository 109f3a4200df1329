/** Virtual time: what is to happen, in order of when; between two happenings everything that a happening set off in memory comes to rest. */

/** Without work: it was called off. */
type Happening = { readonly atMs: number; readonly order: number; work: (() => void) | undefined };

export class Timeline {
  #nowMs: number;
  #made = 0;
  /** A binary heap: the next one first. */
  readonly #heap: Happening[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Lets `work` happen after `ms`; of two at the same time the one that was asked for first. Returns how to call it off. */
  after(ms: number, work: () => void): () => void {
    const happening: Happening = { atMs: this.#nowMs + Math.max(0, Math.ceil(ms)), order: this.#made++, work };
    this.#push(happening);
    return () => {
      happening.work = undefined;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets everything happen until there is nothing left, `isOver` holds, or it is `endMs`. */
  async run(isOver: () => boolean, endMs: number): Promise<void> {
    // What the caller set off just before.
    await atRest();
    while (!isOver()) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs) return;
      this.#pop();
      if (next.work === undefined) continue;
      this.#nowMs = next.atMs;
      next.work();
      await atRest();
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(happening);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(happening, heap[parent] as Happening)) break;
      heap[at] = heap[parent] as Happening;
      at = parent;
    }
    heap[at] = happening;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Happening;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Happening, heap[child] as Happening)) child += 1;
      if (!isBefore(heap[child] as Happening, last)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Ends when every promise that can be settled has been: all microtasks run before the next turn of the event loop. */
function atRest(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
