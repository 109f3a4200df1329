/** What went wrong with Kafka, as a sentence for whoever has to do something about it, and whether trying again may help. */

import { MillraceError } from "../stream/error.ts";
import { UnusableConnectionError } from "./connection-failure.ts";
import { KafkaCodeError } from "./kafka-code-error.ts";
import type { KafkaSettings } from "./kafka-settings.ts";
import { usesTls } from "./tls-options.ts";

/** Nothing came back in time. */
export class DeadlineError extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
    this.name = "DeadlineError";
  }
}

/** What to do after a failure: nothing helps; try again; try again with new metadata; try again over new connections. */
export type Reaction = "give-up" | "wait" | "forget" | "reconnect";

export function reactionTo(error: unknown): Reaction {
  if (error instanceof MillraceError) return "give-up";
  if (error instanceof KafkaCodeError) {
    if (error.remedy === "fatal") return "give-up";
    return error.remedy === "metadata" ? "forget" : "wait";
  }
  return error instanceof UnusableConnectionError ? error.reaction : "reconnect";
}

/** The error for the caller of the port. `doing` says what was asked, as in "write to topic x". */
export function toMillraceError(error: unknown, doing: string, settings: KafkaSettings): MillraceError {
  if (error instanceof MillraceError) return error;
  const at = `Kafka at ${settings.brokers.join(", ")}`;
  return new MillraceError("kafka", sentence(error, at, doing, settings), { cause: error });
}

function sentence(error: unknown, at: string, doing: string, settings: KafkaSettings): string {
  if (error instanceof KafkaCodeError) {
    const advice = adviceOn(error, settings);
    const where =
      error.place === undefined ? "" : ` for topic "${error.place.topic}", partition ${error.place.partition}`;
    return `${at} did not ${doing}: it answered ${error.codeName}${where}${advice === undefined ? "" : `; ${advice}`}.`;
  }
  const { message } = error as Error;
  if (error instanceof DeadlineError) return `${at} did not ${doing}: ${message}; is it overloaded, or stopped?`;
  const tls = usesTls(settings) ? "with TLS" : "without TLS";
  const advice = error instanceof UnusableConnectionError ? `; ${error.advice}` : "";
  return `${at} cannot be reached ${tls}, to ${doing} (${message}); check the address, and that it is running${advice}.`;
}

function adviceOn({ codeName }: KafkaCodeError, { login }: KafkaSettings): string | undefined {
  if (codeName.endsWith("AUTHORIZATION_FAILED"))
    return login?.kind === "iam" ? "allow it in the identity's policy (kafka-cluster:…)" : "allow it to this user";
  switch (codeName) {
    case "MESSAGE_TOO_LARGE":
    case "RECORD_LIST_TOO_LARGE":
      return "it is too large for max.message.bytes of the topic: raise that, or lower recordBytesMax";
    case "INVALID_TIMESTAMP":
      return "raise message.timestamp.after.max.ms of the topic, since event time may lie in the future";
    case "INVALID_PRODUCER_EPOCH":
    case "PRODUCER_FENCED":
      return "another process has taken over the task, or the transaction stood still for too long";
    case "NOT_ENOUGH_REPLICAS":
    case "NOT_ENOUGH_REPLICAS_AFTER_APPEND":
      return "too few copies of the partition are up";
    case "UNSTABLE_OFFSET_COMMIT":
    case "CONCURRENT_TRANSACTIONS":
      return "the last transaction of this id is not over in all partitions; if that lasts, is one of them without a leader?";
    case "INVALID_REPLICATION_FACTOR":
      return "there are fewer brokers than copies asked for";
  }
  return undefined;
}
