/**
 * What a process knows of a folder of blobs in S3, so that it deletes by name, which is free, and lists, which costs as much as a PUT, only now and then:
 * with its first sweep, for what those before it have left, and every so often for what those beside it leave.
 */

/** A process that lives for long pays an eighth of a write unit for it each time. */
const SWEEPS_PER_LISTING = 64;

export class S3Folder {
  readonly #numbers = new Map<string, number>();
  #sweepsUntilListing = 0;

  add(key: string, number: number): void {
    this.#numbers.set(key, number);
  }

  remove(key: string): void {
    this.#numbers.delete(key);
  }

  isListingDue(): boolean {
    return this.#sweepsUntilListing === 0;
  }

  below(number: number): string[] {
    return [...this.#numbers].filter(([, known]) => known < number).map(([key]) => key);
  }

  /** Everything below `number` is gone. A sweep that fails is not said: the next does it again. */
  swept(number: number): void {
    for (const key of this.below(number)) this.#numbers.delete(key);
    this.#sweepsUntilListing = this.isListingDue() ? SWEEPS_PER_LISTING - 1 : this.#sweepsUntilListing - 1;
  }
}
