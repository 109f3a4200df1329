/**
 * The way of a request to a simulated service of AWS, as every service has it:
 *
 * - "throttled": refused before any effect; "server-error": with all of its effect or none.
 * - "repeated-request": the SDK's silent second attempt, which may arrive before the first; only its answer is seen.
 * - What the network loses is a time-out of the SDK.
 */

import { type Network, NetworkError } from "./network.ts";
import { NotSimulatedError, type ServiceErrorName, SimulatedServiceError } from "./simulated-aws-errors.ts";

/** A service, as far as requests on their way to it are concerned. */
export type AwsService = {
  readonly now: () => number;
  readonly throttled: ServiceErrorName;
  readonly broken: ServiceErrorName;
  /** Goes up with every restart, which loses what has not arrived. */
  starts: number;
  /** What was asked of it that it does not know. */
  readonly unknown: Error[];
  /** What it refused as wrong, whatever lies there. */
  readonly invalid: Error[];
};

/** A request on its way. */
export type Sent = {
  readonly network: Network;
  /** What crashes and losses are counted by. */
  readonly name: string;
  /** Whose it is. */
  readonly about?: string | undefined;
  /** When whoever sent it gives up, on the clock of the world. */
  readonly endMs: number;
};

/** Carries a request to the service, which does not always get as far as serving it. */
export function carry<T>(service: AwsService, { network, name, about, endMs }: Sent, serve: () => T): Promise<T> {
  const { starts } = service;
  const arrive = (): T => {
    if (starts !== service.starts) throw new NetworkError("The server was restarted before the request arrived.");
    if (network.occurs("throttled")) throw new SimulatedServiceError(service.throttled, "Please reduce your rate");
    if (!network.occurs("server-error")) return serve();
    if (network.below(2) === 1) serveInSilence(serve);
    throw new SimulatedServiceError(service.broken, "Internal server error");
  };
  return network.call(name, arrive, Math.max(0, endMs - service.now()), about);
}

/** Carries a request that the SDK may repeat; `serve` is told how many attempts there were. */
export function carryRepeatedly<T>(service: AwsService, sent: Sent, serve: (attempts: number) => T): Promise<T> {
  if (!sent.network.occurs("repeated-request")) return carry(service, sent, () => serve(1));
  carry(service, sent, () => serve(1)).catch(() => undefined);
  return carry(service, sent, () => serve(2));
}

/** What the SDK throws for what was thrown on the way. */
export function toSdkError(service: AwsService, error: unknown): unknown {
  if (error instanceof NotSimulatedError) service.unknown.push(error);
  if (error instanceof SimulatedServiceError && error.name === "ValidationException") service.invalid.push(error);
  return error instanceof NetworkError ? new SimulatedServiceError("TimeoutError", error.message) : error;
}

/** Does what it does; whatever comes of it is not told. */
function serveInSilence(serve: () => unknown): void {
  try {
    serve();
  } catch (error) {
    if (!(error instanceof SimulatedServiceError)) throw error;
  }
}
