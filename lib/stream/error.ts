/** The one error class of Millrace: a sentence, a code from a closed union, and where it happened. */

/** What kind of failure a MillraceError is. */
export type ErrorCode =
  /** The application does not fit together; found before anything runs. */
  | "topology"
  /** An author's definition is wrong at the place where it was made. */
  | "definition"
  /** A value that cannot be kept in state or cross a keyBy. */
  | "unstorable"
  /** Bytes or a value that a format refuses. */
  | "format"
  /** An author's function threw and `onError` is "fail". */
  | "author"
  /** Kafka did not do what was asked. */
  | "kafka"
  /** Input that should be there is not: a gap, a truncated topic, a recreated one. */
  | "input-missing"
  /** The state log does not hold what the protocol says it must. */
  | "state-broken"
  /** The state store did not do what was asked. */
  | "state-store"
  /** State written by a newer version or by other windows than those of today, or a folder somebody else has locked. */
  | "state-unusable"
  /** A setting or a secret that is declared is not there. */
  | "setting-missing"
  /** The time of an invocation was nearly over while calls to the outside were under way. */
  | "timeout"
  /** A task lost its race too often. */
  | "conflict"
  /** A command was called in a way that cannot be carried out. */
  | "usage";

/**
 * Thrown for every failure that Millrace can name. The message is a sentence: what happened, where, what to do.
 * Expected outcomes (a lost race, a late element) are return values instead.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MillraceError";
    this.code = code;
  }
}
