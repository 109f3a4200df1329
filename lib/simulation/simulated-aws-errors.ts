/** What simulated services of AWS throw: errors with the names that the SDK gives them, and what the simulation cannot do. */

import type { Item } from "../state-log/dynamodb-items.ts";

const STATUS = {
  BucketAlreadyOwnedByYou: 409,
  ConditionalCheckFailedException: 400,
  InternalError: 500,
  InternalServerError: 500,
  KeyTooLongError: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  ProvisionedThroughputExceededException: 400,
  ResourceInUseException: 400,
  ResourceNotFoundException: 400,
  SlowDown: 503,
  TimeoutError: undefined,
  ValidationException: 400,
} as const;

export type ServiceErrorName = keyof typeof STATUS;

export class SimulatedServiceError extends Error {
  readonly $fault: "client" | "server";
  readonly $metadata: { readonly httpStatusCode: number | undefined; readonly attempts: number };
  /** What refused a write, where the write asked for it. */
  readonly Item?: Item;

  constructor(
    name: ServiceErrorName,
    message: string,
    { attempts = 1, found }: { attempts?: number; found?: Item } = {},
  ) {
    // Where a service's error arose tells nobody anything, and to write it down costs more than all else about a refused write.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = name;
    const status = STATUS[name];
    this.$fault = status !== undefined && status >= 500 ? "server" : "client";
    this.$metadata = { httpStatusCode: status, attempts };
    if (found !== undefined) this.Item = found;
  }
}

/** The request is wrong, by the rules of DynamoDB. */
export function toValidationError(message: string): SimulatedServiceError {
  return new SimulatedServiceError("ValidationException", message);
}

/** The real service may well understand this, and the simulation does not: whatever it answered would prove nothing. */
export class NotSimulatedError extends Error {
  constructor(what: string) {
    super(`The simulation does not know ${what}.`);
    this.name = "NotSimulatedError";
  }
}
