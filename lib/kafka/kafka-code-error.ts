/** An error code in an answer of Kafka: its name, and what may help. */

/** "metadata": ask again who leads and coordinates, then try again; "wait": try again; "fatal": nothing. */
type Remedy = "metadata" | "wait" | "fatal";

const CODES: Readonly<Record<number, readonly [name: string, remedy: Remedy]>> = {
  1: ["OFFSET_OUT_OF_RANGE", "fatal"],
  2: ["CORRUPT_MESSAGE", "wait"],
  3: ["UNKNOWN_TOPIC_OR_PARTITION", "metadata"],
  5: ["LEADER_NOT_AVAILABLE", "metadata"],
  6: ["NOT_LEADER_OR_FOLLOWER", "metadata"],
  7: ["REQUEST_TIMED_OUT", "wait"],
  8: ["BROKER_NOT_AVAILABLE", "metadata"],
  9: ["REPLICA_NOT_AVAILABLE", "metadata"],
  10: ["MESSAGE_TOO_LARGE", "fatal"],
  13: ["NETWORK_EXCEPTION", "wait"],
  14: ["COORDINATOR_LOAD_IN_PROGRESS", "wait"],
  15: ["COORDINATOR_NOT_AVAILABLE", "metadata"],
  16: ["NOT_COORDINATOR", "metadata"],
  17: ["INVALID_TOPIC_EXCEPTION", "fatal"],
  18: ["RECORD_LIST_TOO_LARGE", "fatal"],
  19: ["NOT_ENOUGH_REPLICAS", "wait"],
  20: ["NOT_ENOUGH_REPLICAS_AFTER_APPEND", "wait"],
  29: ["TOPIC_AUTHORIZATION_FAILED", "fatal"],
  30: ["GROUP_AUTHORIZATION_FAILED", "fatal"],
  31: ["CLUSTER_AUTHORIZATION_FAILED", "fatal"],
  32: ["INVALID_TIMESTAMP", "fatal"],
  35: ["UNSUPPORTED_VERSION", "fatal"],
  36: ["TOPIC_ALREADY_EXISTS", "fatal"],
  37: ["INVALID_PARTITIONS", "fatal"],
  38: ["INVALID_REPLICATION_FACTOR", "fatal"],
  40: ["INVALID_CONFIG", "fatal"],
  41: ["NOT_CONTROLLER", "metadata"],
  44: ["POLICY_VIOLATION", "fatal"],
  45: ["OUT_OF_ORDER_SEQUENCE_NUMBER", "wait"],
  47: ["INVALID_PRODUCER_EPOCH", "fatal"],
  48: ["INVALID_TXN_STATE", "wait"],
  49: ["INVALID_PRODUCER_ID_MAPPING", "wait"],
  51: ["CONCURRENT_TRANSACTIONS", "wait"],
  53: ["TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "fatal"],
  56: ["KAFKA_STORAGE_ERROR", "metadata"],
  59: ["UNKNOWN_PRODUCER_ID", "wait"],
  72: ["LISTENER_NOT_FOUND", "metadata"],
  74: ["FENCED_LEADER_EPOCH", "metadata"],
  75: ["UNKNOWN_LEADER_EPOCH", "metadata"],
  78: ["OFFSET_NOT_AVAILABLE", "wait"],
  87: ["INVALID_RECORD", "fatal"],
  88: ["UNSTABLE_OFFSET_COMMIT", "wait"],
  89: ["THROTTLING_QUOTA_EXCEEDED", "wait"],
  90: ["PRODUCER_FENCED", "fatal"],
};

export type ErrorPlace = { readonly topic: string; readonly partition: number };

/** Stays inside lib/kafka: whoever calls the port gets a MillraceError. */
export class KafkaCodeError extends Error {
  readonly code: number;
  /** Kafka's name of the code. */
  readonly codeName: string;
  readonly remedy: Remedy;
  readonly place: ErrorPlace | undefined;

  constructor(code: number, request: string, place: ErrorPlace | undefined) {
    const [codeName, remedy] = CODES[code] ?? [`error ${code}`, "fatal"];
    super(`Kafka answered ${request} with ${codeName}`);
    this.name = "KafkaCodeError";
    this.code = code;
    this.codeName = codeName;
    this.remedy = remedy;
    this.place = place;
  }
}

/** Throws for a code other than 0, which is success. */
export function throwOnCode(code: number, request: string, place?: ErrorPlace): void {
  if (code !== 0) throw new KafkaCodeError(code, request, place);
}

/** Whether an error is the answer with this code. */
export function isCode(error: unknown, ...codeNames: readonly string[]): error is KafkaCodeError {
  return error instanceof KafkaCodeError && codeNames.includes(error.codeName);
}
