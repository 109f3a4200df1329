/** The options of an event source mapping, with Lambda's names, defaults, bounds and refusals. */

import type { Broker } from "../kafka/broker.ts";
import { MillraceError } from "../stream/error.ts";
import type { AppendNotices } from "./broker-rules.ts";
import type { Clock } from "./clock.ts";
import type { EventOrigin } from "./event-json.ts";
import { checkFunction, type LocalFunction } from "./invocation.ts";
import type { Outcome, RetryPolicy } from "./retry-policy.ts";

/** Where a consumer group begins that has committed nothing. */
export type StartingPosition = "TRIM_HORIZON" | "LATEST" | { readonly atTimestampMs: number };

/** Records that a mapping has given up on. */
export type Discarded = {
  readonly condition: "RetryAttemptsExhausted" | "RecordAgeExceeded";
  readonly functionName: string;
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly firstOffset: number;
    readonly lastOffset: number;
    readonly records: number;
  }[];
  /** Invocations that had these records. */
  readonly invocations: number;
  /** What the last of them ended with; undefined where there was none. */
  readonly error: unknown;
  /** The event as it was, or would have been, delivered. */
  readonly eventText: string;
};

/** Decides when something goes wrong on purpose; asked once per occasion, in order. */
export interface MappingFaults {
  /** Deliver a batch once more although it succeeded, as when the poller never learned of it. */
  duplicateDelivery(): boolean;
  /** Deliver the first so many records of `count` on their own; undefined: leave it whole. */
  splitBatch(count: number): number | undefined;
  /** Give up on an invocation while its handler goes on. */
  timeoutEarly(): boolean;
}

/** What a mapping tells whoever watches it. */
export type MappingNotice =
  | {
      readonly kind: "invoked";
      readonly records: number;
      readonly partitions: readonly number[];
      readonly outcome: Outcome;
      readonly tookMs: number;
    }
  | { readonly kind: "discarded"; readonly discarded: Discarded }
  /** The position was not there any more, so reading goes on at the end for "LATEST", else at the first record that is left. */
  | { readonly kind: "reset"; readonly partition: number; readonly from: number; readonly to: number }
  | { readonly kind: "broker-failed"; readonly error: unknown };

/** What a mapping reads, whom it invokes and how it retries. */
export type EventSourceMappingOptions = {
  readonly broker: Broker & Partial<AppendNotices>;
  readonly topic: string;
  /** Whose committed offsets are kept; they win over `startingPosition`. */
  readonly consumerGroup: string;
  readonly function: LocalFunction;
  readonly startingPosition?: StartingPosition;
  /** Records in one invocation at the most: 1 to 10,000; 100 unless set. */
  readonly batchSize?: number;
  /** How long a batch waits to get full: 0 to 300,000; 500 unless set. */
  readonly batchWindowMs?: number;
  /** Bytes of an event's JSON at the most, unless one record is larger: 6 MB. */
  readonly payloadBytesMax?: number;
  /** Invocations at once; the number of partitions unless set, which is Lambda's bound. */
  readonly concurrencyMax?: number;

  /** On-demand unless set. The next four need "provisioned". */
  readonly mode?: "on-demand" | "provisioned";
  /** −1, which is the default: forever; else 0 to 10,000. */
  readonly maximumRetryAttempts?: number;
  /** −1, which is the default: any age; else 60 to 604,800. */
  readonly maximumRecordAgeSeconds?: number;
  readonly bisectBatchOnFunctionError?: boolean;
  readonly reportBatchItemFailures?: boolean;
  /**
   * Where records go that are given up. With one, "forever" means ten retries, as on Lambda. A callback stands for SQS, SNS and S3 and may be had in
   * either mode; a Kafka topic, which gets the records themselves, needs "provisioned".
   */
  readonly onFailure?: ((discarded: Discarded) => void | Promise<void>) | { readonly topic: string };

  readonly backoffFirstMs?: number;
  readonly backoffMaxMs?: number;
  /** How often a broker is asked that cannot say by itself that there is more, when nothing has come for a while; as long as records come it is asked every few milliseconds. */
  readonly pollIntervalMs?: number;
  /** How long a stop waits for invocations under way. */
  readonly stopTimeoutMs?: number;
  readonly eventSource?: EventOrigin["eventSource"];
  readonly eventSourceArn?: string;
  readonly bootstrapServers?: string;
  readonly clock?: Clock;
  readonly newRequestId?: () => string;
  readonly faults?: MappingFaults;
  readonly observe?: (notice: MappingNotice) => void;
};

export const BATCH_SIZE_DEFAULT = 100;
const BATCH_SIZE_MAX = 10_000;
export const BATCH_WINDOW_MS_DEFAULT = 500;
const BATCH_WINDOW_MS_MAX = 300_000;
export const PAYLOAD_BYTES_MAX = 6 * 1024 * 1024;
export const BACKOFF_FIRST_MS_DEFAULT = 200;
export const BACKOFF_MAX_MS_DEFAULT = 60_000;
export const STOP_TIMEOUT_MS_DEFAULT = 5_000;
/** With an on-failure destination a batch is given up after so many retries even where no limit was asked for. */
const RETRIES_WITH_DESTINATION_MAX = 10;
const RETRY_ATTEMPTS_MAX = 10_000;
const RECORD_AGE_SECONDS_MIN = 60;
const RECORD_AGE_SECONDS_MAX = 604_800;

const PROVISIONED_ONLY = [
  "maximumRetryAttempts",
  "maximumRecordAgeSeconds",
  "bisectBatchOnFunctionError",
  "reportBatchItemFailures",
] as const;

/** Throws "usage" for what Lambda would refuse. */
export function checkOptions(options: EventSourceMappingOptions): void {
  checkFunction(options.function);
  const within = (name: string, value: number | undefined, min: number, max: number) => {
    if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max)) {
      throw new MillraceError(
        "usage",
        `The event source mapping of "${options.topic}" has ${name} ${value}; it must be a whole number from ${min} to ${max}.`,
      );
    }
  };
  within("batchSize", options.batchSize, 1, BATCH_SIZE_MAX);
  within("batchWindowMs", options.batchWindowMs, 0, BATCH_WINDOW_MS_MAX);
  within("payloadBytesMax", options.payloadBytesMax, 1, PAYLOAD_BYTES_MAX);
  within("concurrencyMax", options.concurrencyMax, 1, Number.MAX_SAFE_INTEGER);
  within("maximumRetryAttempts", options.maximumRetryAttempts, -1, RETRY_ATTEMPTS_MAX);
  if (options.maximumRecordAgeSeconds !== -1) {
    within("maximumRecordAgeSeconds", options.maximumRecordAgeSeconds, RECORD_AGE_SECONDS_MIN, RECORD_AGE_SECONDS_MAX);
  }
  if (typeof options.onFailure === "object" && options.onFailure.topic === options.topic) {
    throw new MillraceError(
      "usage",
      `The event source mapping of "${options.topic}" has the same topic as onFailure: failed records would come back for ever.`,
    );
  }
  if (options.mode === "provisioned") return;
  const refused: string[] = PROVISIONED_ONLY.filter((name) => options[name] !== undefined && options[name] !== false);
  if (typeof options.onFailure === "object") refused.push("a Kafka topic as onFailure");
  if (refused.length > 0) {
    throw new MillraceError(
      "usage",
      `The event source mapping of "${options.topic}" asks for ${refused.join(", ")}, which Lambda has only in provisioned mode: set mode to "provisioned", or leave it out.`,
    );
  }
}

/** The policy that the options ask for. */
export function retryPolicyOf(options: EventSourceMappingOptions): RetryPolicy {
  const forever = options.onFailure === undefined ? Number.POSITIVE_INFINITY : RETRIES_WITH_DESTINATION_MAX;
  const retries = options.maximumRetryAttempts ?? -1;
  return {
    attemptsMax: 1 + (retries < 0 ? forever : retries),
    bisect: options.bisectBatchOnFunctionError ?? false,
    reportFailures: options.reportBatchItemFailures ?? false,
    backoffFirstMs: options.backoffFirstMs ?? BACKOFF_FIRST_MS_DEFAULT,
    backoffMaxMs: options.backoffMaxMs ?? BACKOFF_MAX_MS_DEFAULT,
  };
}

/** Where the mapping's events say they come from. */
export function originOf({
  topic,
  eventSource = "aws:kafka",
  eventSourceArn = "arn:aws:kafka:local:000000000000:cluster/local/0",
  bootstrapServers = "localhost:9092",
}: EventSourceMappingOptions): EventOrigin {
  const origin = { eventSource, bootstrapServers, topic };
  return eventSource === "aws:kafka" ? { ...origin, eventSourceArn } : origin;
}
