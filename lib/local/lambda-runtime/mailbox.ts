/** What one side says and the other takes, in order; one takes at a time, and no longer than it wants to wait. */

export class Mailbox<T> {
  readonly #messages: T[] = [];
  #wake: () => void = () => {};

  put(message: T): void {
    this.#messages.push(message);
    this.#wake();
  }

  /** The oldest message; undefined where none came in that time. */
  async take(timeoutMs: number): Promise<T | undefined> {
    if (this.#messages.length > 0) return this.#messages.shift();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    this.#wake = () => {};
    return this.#messages.shift();
  }
}
