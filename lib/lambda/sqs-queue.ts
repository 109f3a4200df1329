/** The queue of wake-ups. Loading this file loads the AWS SDK's client for SQS. */

import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { CALL_TIMEOUTS, callWithin, toClientConfig } from "../state-log/aws-call.ts";
import { delaySecondsOf, encodeWakeUp, type WakeUp } from "./wake-up.ts";

/** What SQS takes at once. */
const MESSAGES_MAX = 10;

export class SqsQueue {
  readonly #client: SQSClient;
  readonly #url: string;

  /** `endpoint`: default AWS's own in the region. */
  constructor(url: string, endpoint?: string) {
    this.#url = url;
    this.#client = new SQSClient(toClientConfig({ ...(endpoint !== undefined && { endpoint }) }, CALL_TIMEOUTS));
  }

  /** Throws where some were not taken; whoever sends them all again does no harm. */
  async send(wakeUps: readonly WakeUp[], nowMs: number): Promise<void> {
    for (let from = 0; from < wakeUps.length; from += MESSAGES_MAX) {
      const command = new SendMessageBatchCommand({
        QueueUrl: this.#url,
        Entries: wakeUps.slice(from, from + MESSAGES_MAX).map((wakeUp, i) => ({
          Id: String(i),
          MessageBody: encodeWakeUp(wakeUp),
          DelaySeconds: delaySecondsOf(wakeUp, nowMs),
        })),
      });
      const answer = await callWithin(CALL_TIMEOUTS.callMs, (abortSignal) =>
        this.#client.send(command, { abortSignal }),
      );
      const [failed] = answer.Failed ?? [];
      if (failed !== undefined) throw new Error(`${failed.Code}: ${failed.Message ?? "SQS did not take a message"}`);
    }
  }
}
