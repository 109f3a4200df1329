/** What a test says of how its operators are run. */

/** How a test driver runs its operators. */
export interface TestDriverOptions {
  /** Partitions of every topic. Default 1, so that time moves with every element; "declared" takes those of the declarations. */
  readonly partitions?: number | "declared";
  /** Where the clock stands at first, epoch milliseconds. Default: the year 2100, so that no element is from the future. */
  readonly startMs?: number;
  /** Records per batch. Default 1,000. */
  readonly batchSize?: number;
  /** Run every batch twice and compare, with frozen elements. Default true. */
  readonly strict?: boolean;
  /** Environment variables, for settings and secrets, beside those of the process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Forget everything but the log after every batch, as if every invocation had a new environment. Default false. */
  readonly restartAfterEveryBatch?: boolean;
  /** Charge for state and rows as DynamoDB does, so that `expectCost` can be asked. It loads the AWS SDK. Default false. */
  readonly charged?: boolean;
  /** After how many results of windows and timers that are due at once a commit is full, and the next goes on. At least 1; default 20,000, as on Lambda. */
  readonly resultsPerCommit?: number;
}
