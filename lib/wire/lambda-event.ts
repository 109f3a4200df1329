/** The events a function is invoked with: Lambda's Kafka event, and the tick. */

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

/** What a function returns: nothing failed, or the first offset per partition that did. */
export type BatchResponse = {
  readonly batchItemFailures: readonly {
    readonly itemIdentifier: { readonly partition: string; readonly offset: number };
  }[];
};
