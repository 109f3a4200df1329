/** How far the functions have come: what lies in their inputs, and what their mappings have committed. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../lib/kafka/broker.ts";
import type { Application } from "../lib/local/application.ts";
import { consumerGroupOf } from "../lib/local/local-runtime.ts";
import { topicsReadBy } from "../lib/local/tick.ts";

const POLL_MS = 100;

export class Positions {
  readonly #application: Application;
  readonly #broker: Broker;
  /** Per function and partition: what is done, and where its input ends. */
  #lags: readonly { readonly name: string; readonly done: number; readonly end: number }[] = [];

  constructor(application: Application, broker: Broker) {
    this.#application = application;
    this.#broker = broker;
  }

  /** Records of its input that a function has behind it, as last seen. */
  doneBy(name: string): number {
    return this.#lags.reduce((sum, lag) => (lag.name === name ? sum + lag.done : sum), 0);
  }

  /** Whether every function was at the end of its input when last seen. */
  areAtEnd(): boolean {
    return this.#lags.length > 0 && this.#lags.every(({ done, end }) => done === end);
  }

  /** Changes whenever anything moves. */
  fingerprint(): string {
    return this.#lags.map(({ done, end }) => `${done}/${end}`).join();
  }

  /** Looks again and again. While Kafka is down what was seen last stands. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch(() => {});
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }

  async look(): Promise<void> {
    const lags = this.#application.topology.functions.flatMap((plan) =>
      topicsReadBy(plan).map(async ({ topic }) => {
        const group = consumerGroupOf(this.#application, plan);
        const ranges = await this.#broker.offsets(topic);
        return Promise.all(
          ranges.map(async ({ high }, partition) => ({
            name: plan.name,
            done: (await this.#broker.committedOffset(group, topic, partition)) ?? 0,
            end: high,
          })),
        );
      }),
    );
    this.#lags = (await Promise.all(lags)).flat();
  }
}
