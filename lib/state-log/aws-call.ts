/**
 * What every call to AWS has, whatever the service: where it goes, its time-outs, its attempts, and a deadline for all of them together.
 *
 * The SDK alone would wait for ever: it has no time-out of its own, and one that is set only warns. There are four here. Connecting and waiting for
 * the answer's head fail an attempt; a socket that stays silent (also in the middle of an answer) fails it too; and the whole call, all
 * attempts together, ends with an abort.
 */

export type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };

export type AwsSettings = {
  /** Default: AWS's own in `region`. */
  readonly endpoint?: string;
  /** Default: as the AWS SDK finds it; for an endpoint on this machine "us-east-1". */
  readonly region?: string;
  /** Default: as the AWS SDK finds them. */
  readonly credentials?: Credentials;
  /** A profile of the shared AWS configuration. */
  readonly profile?: string;
};

export type CallTimeouts = {
  readonly connectMs: number;
  /** From the request to the head of the answer. */
  readonly requestMs: number;
  /** Without a byte on the socket, the answer's body included. */
  readonly silenceMs: number;
  /** The whole call with all its attempts. */
  readonly callMs: number;
};

/** An answer takes a few milliseconds, one of a megabyte some tens. After a freeze every socket is dead, and the second attempt has a fresh one. */
export const CALL_TIMEOUTS: CallTimeouts = { connectMs: 1_000, requestMs: 3_000, silenceMs: 3_000, callMs: 8_000 };

/** Attempts of the SDK at one call, on time-outs, throttling and failures of the server. */
const ATTEMPTS_MAX = 3;

/** The settings as the SDK's clients take them. `localCredentials`: for an endpoint on this machine where none are given. */
export function toClientConfig(settings: AwsSettings, timeouts: CallTimeouts, localCredentials?: Credentials) {
  const { endpoint, profile } = settings;
  const isLocal = endpoint !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(endpoint).hostname);
  const region = settings.region ?? (isLocal ? "us-east-1" : undefined);
  const credentials = settings.credentials ?? (isLocal ? localCredentials : undefined);
  return {
    maxAttempts: ATTEMPTS_MAX,
    requestHandler: {
      connectionTimeout: timeouts.connectMs,
      requestTimeout: timeouts.requestMs,
      throwOnRequestTimeout: true,
      socketTimeout: timeouts.silenceMs,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/** Where the calls go, for a sentence. */
export function placeOf({ endpoint, region }: AwsSettings): string {
  return endpoint ?? region ?? "the region of the environment";
}

/** Carries out a call, which is to end when the signal says so: when `deadlineMs` have passed. */
export async function callWithin<T>(deadlineMs: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  // Not AbortSignal.timeout, whose timer would stay until the deadline although the call has long been answered.
  const deadline = new AbortController();
  // A call under way has a socket, which keeps the process; one that will never be answered is not to keep it.
  const timer = setTimeout(() => deadline.abort(), deadlineMs).unref();
  try {
    return await call(deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}
