/** Waits for a server on this machine whose log does not say when it listens. */

import { setTimeout as sleep } from "node:timers/promises";

const READY_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 1_000;
const POLL_MS = 25;

/** Any answer will do; to a request without a signature it is a refusal. */
export async function waitForAnswer(name: string, endpoint: string): Promise<void> {
  for (const startedMs = Date.now(); ; await sleep(POLL_MS)) {
    try {
      await (await fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })).arrayBuffer();
      return;
    } catch (error) {
      if (Date.now() - startedMs < READY_TIMEOUT_MS) continue;
      throw new Error(`${name} does not answer at ${endpoint}.`, { cause: error });
    }
  }
}
