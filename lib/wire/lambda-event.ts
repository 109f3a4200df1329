/** The events a function is invoked with: Lambda's Kafka event, the tick, and the redrive. */

/** Lambda's Kafka event, as JSON has it. */
export type KafkaEvent = {
  readonly eventSource: "aws:kafka" | "SelfManagedKafka";
  readonly eventSourceArn?: string;
  readonly bootstrapServers: string;
  readonly records: Readonly<Record<string, readonly KafkaEventRecord[]>>;
};

export type KafkaEventRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: string;
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers: readonly Readonly<Record<string, readonly number[]>>[];
};

/** A scheduled call that lets tasks of one function notice that time passes. */
export type TickEvent = {
  readonly eventSource: "millrace:tick";
  readonly functionName: string;
  readonly tasks: readonly { readonly topic: string; readonly partition: number }[];
  /** Raises the watermark of source tasks to at least this; the end of a bounded input is "end". For tests and bounded inputs. */
  readonly watermark?: number | "end";
};

/** Dead letters of one function that are to be processed again: records of their topic as they stand there, like those of a Kafka event. */
export type RedriveEvent = {
  readonly eventSource: "millrace:redrive";
  readonly functionName: string;
  readonly records: KafkaEvent["records"];
};

/** What a function is invoked with. */
export type FunctionEvent = KafkaEvent | TickEvent | RedriveEvent;

/** What became of a dead letter. */
export type RedriveOutcome = {
  /** The dead letter's identity, as its `millrace-id` header has it. */
  readonly id: string;
  readonly outcome: /** It was processed now. */
    | "redriven"
    /** It failed again now, and is a new dead letter. */
    | "failed-again"
    /** It was redriven before, and processed. */
    | "redriven-before"
    /** It was redriven before, and failed again. */
    | "failed-before"
    /** It cannot be redriven; nothing changed. */
    | "impossible";
  /** A sentence, where it failed again now or cannot be redriven. */
  readonly reason?: string;
};

/** What a function returns: nothing failed, or the first offset per partition that did. */
export type BatchResponse = {
  readonly batchItemFailures: readonly {
    readonly itemIdentifier: { readonly partition: string; readonly offset: number };
  }[];
};

/** What a function returns for a redrive. */
export type RedriveResponse = BatchResponse & { readonly outcomes: readonly RedriveOutcome[] };
