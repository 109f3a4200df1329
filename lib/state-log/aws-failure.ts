/** Tells by what the AWS SDK throws what kind of failure it is, the same for every service. */

export type AwsFailure = {
  readonly kind: "throttled" | "credentials" | "unreachable" | "time-out" | "other";
  /** The system's code, such as ECONNREFUSED. */
  readonly code: string | undefined;
};

const THROTTLED = new Set([
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "SlowDown",
  "ThrottlingException",
  "Throttling",
  "TooManyRequestsException",
]);

const CREDENTIALS = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignatureException",
  "InvalidAccessKeyId",
  "InvalidSignatureException",
  "InvalidToken",
  "MissingAuthenticationTokenException",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);

const UNREACHABLE = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
]);

/** A connection that cannot be made, seen as a name and not as a code. */
const TIME_OUTS = new Set(["AbortError", "TimeoutError", "RequestTimeout", "RequestTimeoutException"]);

export function toAwsFailure(error: Error): AwsFailure {
  const code = codeOf(error);
  return { kind: kindOf(error.name, code), code };
}

function kindOf(name: string, code: string | undefined): AwsFailure["kind"] {
  if (THROTTLED.has(name)) return "throttled";
  if (CREDENTIALS.has(name)) return "credentials";
  // Resets are called time-outs too: the code knows better.
  if (code !== undefined && UNREACHABLE.has(code)) return "unreachable";
  return TIME_OUTS.has(name) || code === "ETIMEDOUT" ? "time-out" : "other";
}

/** The system's code, which may stand in a cause or, where several addresses were tried, in each of several. */
function codeOf(error: Error): string | undefined {
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error instanceof AggregateError) {
    for (const inner of error.errors) {
      const code = inner instanceof Error ? codeOf(inner) : undefined;
      if (code !== undefined) return code;
    }
  }
  return error.cause instanceof Error ? codeOf(error.cause) : undefined;
}

export function withoutDot(text: string): string {
  return text.replace(/\.\s*$/, "");
}
