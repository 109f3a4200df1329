/** All that a simulated run does on purpose. A run draws for each kind how often it is to happen; over many runs each must have happened. */

export type FaultKind = keyof typeof FAULT_KINDS;

/** The kinds, and how often at the most: of a call, an invocation, a delivery or whatever it happens to. */
export const FAULT_KINDS = {
  // To a call of a server by an execution environment.
  /** The environment dies before the request is sent. */
  "crash-before": 0.02,
  /** It dies while the request is under way, which arrives all the same. */
  "crash-during": 0.02,
  /** It dies when the server has done its part, before the answer comes. */
  "crash-after": 0.02,
  "request-lost": 0.02,
  "answer-lost": 0.02,
  /** The caller gives up; then the request arrives. */
  "request-late": 0.02,
  slow: 0.3,
  /** It arrives when rivals have done their part. */
  held: 0.2,
  // By DynamoDB.
  throttled: 0.05,
  "server-error": 0.05,
  "repeated-request": 0.1,
  "read-stale": 0.5,
  "read-torn": 0.5,
  "page-short": 0.2,
  // By S3.
  "body-cut": 0.1,
  "deletion-failed": 0.2,
  // By Kafka.
  "leader-moved": 0.1,
  "connections-dropped": 0.1,
  // To an invocation.
  "cold-start": 0.5,
  /** Nobody waits for it any more, and it goes on. */
  "timed-out": 0.3,
  /** It stands still for a while, and goes on after others have done its work. */
  frozen: 0.2,
  "clock-jumped": 0.1,
  // By the event source mapping.
  redelivered: 0.1,
  rewound: 0.05,
  /** The same records are given to two environments at a time. */
  overlapping: 0.4,
  /** Records are left out: the mapping's own offset was ahead. */
  "jumped-ahead": 0.05,
  /** A wish to be woken is forgotten. */
  "wake-up-lost": 0.3,
} as const satisfies Readonly<Record<string, number>>;
