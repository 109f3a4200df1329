/** `expectCost`: what an operator may cost, asserted by a test. */

import { AssertionError } from "node:assert";
import { ASSUMED_LINE_BYTES, ASSUMED_RECORD_MS, computeMs, PLATFORM_LOG_BYTES, waitMs } from "../cost/assumed.ts";
import { showDollars, showNumber } from "../cost/cost-line.ts";
import { costPerMillion, DEFAULT_TERMS, ownDollars } from "../cost/cost-of-work.ts";
import { WITH_LOG, WITHOUT_LOG } from "../cost/deployed-defaults.ts";
import type { FunctionWork } from "../cost/work.ts";
import type { Operator } from "../runtime/operator-handler.ts";
import type { TaskReport } from "../runtime/report.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { listOf, quote } from "../stream/sentence.ts";
import { buildTopology } from "../stream/topology.ts";
import type { TestDriver } from "./test-driver.ts";

/** What an operator may cost for each record that it reads. What is left out may cost anything. */
export interface CostBudget {
  /** DynamoDB's units, 1 KB written each, of all its functions: state and rows of tables. */
  readonly writeUnitsPerRecord?: number;
  /** DynamoDB's units, 4 KB read each. */
  readonly readUnitsPerRecord?: number;
  /** Of its commits: what changed, what is sent, and where it stands. */
  readonly bytesPerRecord?: number;
  /** Calls of its functions. */
  readonly invocationsPerRecord?: number;
  /**
   * Lambda, DynamoDB and the log, by the list prices of us-east-1, for a million records. Time is assumed, as tests take as long as they do: 18 ms to commit and send, and 5 µs
   * for a record. Kafka and what is paid by the month are not in it.
   */
  readonly dollarsPerMillion?: number;
}

/** What an operator has cost under test. */
export type MeasuredCost = Required<CostBudget> & { readonly records: number };

const UNITS: Readonly<Record<keyof CostBudget, (value: number) => string>> = {
  writeUnitsPerRecord: (value) => `${showNumber(value)} write units a record`,
  readUnitsPerRecord: (value) => `${showNumber(value)} read units a record`,
  bytesPerRecord: (value) => `${showNumber(value)} bytes committed a record`,
  invocationsPerRecord: (value) => `${showNumber(value)} invocations a record`,
  dollarsPerMillion: (value) => `${showDollars(value)} a million records`,
};

/**
 * Asserts what an operator has cost so far in a driver made with `charged: true`, by the batches in which its records came: send as many at once as you expect in a batch.
 * Returns what it was. What
 * `driver.state` reads is in it too, and rows are charged with the next batch of their task.
 *
 * @throws AssertionError with a sentence that names what is above the budget, and by how much
 * @throws MillraceError "usage" where the driver charges nothing, does not run the operator, or the operator has read nothing yet
 */
export function expectCost(driver: TestDriver, operator: Operator, budget: CostBudget): MeasuredCost {
  const measured = measureCost(driver, operator);
  const names = Object.keys(UNITS) as (keyof CostBudget)[];
  const above = names.filter((name) => measured[name] > (budget[name] ?? Number.POSITIVE_INFINITY));
  if (above.length === 0) return measured;
  const said = above.map(
    (name) => `${UNITS[name](measured[name])} instead of at most ${showNumber(budget[name] as number)}`,
  );
  const records = measured.records.toLocaleString("en");
  throw new AssertionError({
    message: `Operator ${quote(operator.operatorName)} costs more than it may: ${listOf(said)}, over ${records} records.`,
    actual: Object.fromEntries(above.map((name) => [name, measured[name]])),
    expected: Object.fromEntries(above.map((name) => [name, budget[name]])),
    operator: "<=",
    stackStartFn: expectCost,
  });
}

function measureCost(driver: TestDriver, operator: Operator): MeasuredCost {
  const plans = buildTopology("test", [operator.definition]).functions;
  if (!plans.some(({ name }) => driver.invocations.has(name)))
    throw new MillraceError("usage", `The test driver does not run operator ${operator.operatorName}.`);
  const charged = driver.reports.some(({ stateUnits, tableUnits }) => (stateUnits ?? tableUnits) !== undefined);
  const works = plans.map((plan) => {
    const reports = driver.reports.filter(({ functionName }) => functionName === plan.name);
    return { plan, reports, work: toWork(plan, reports, driver.invocations.get(plan.name) ?? 0) };
  });
  if (!charged && works.some(({ plan }) => plan.commits))
    throw new MillraceError(
      "usage",
      "This driver charges nothing: make it with testDriver(operator, { charged: true }).",
    );
  const sum = (of: (work: FunctionWork) => number) => works.reduce((total, { work }) => total + of(work), 0);
  const records = works.reduce((total, { plan, work }) => total + (plan.sources.length > 0 ? work.records : 0), 0);
  if (records === 0)
    throw new MillraceError(
      "usage",
      `Operator ${quote(operator.operatorName)} has read no records yet, so that nothing can be said of what one costs: send some before expectCost.`,
    );
  const all = works.flatMap(({ reports }) => reports);
  const functions = works.map(({ work }) => work);
  return {
    records,
    writeUnitsPerRecord: sum(({ writeUnits }) => writeUnits) / records,
    readUnitsPerRecord: sum(({ readUnits }) => readUnits) / records,
    bytesPerRecord: all.reduce((total, { entryBytes }) => total + entryBytes, 0) / records,
    invocationsPerRecord: sum(({ invocations }) => invocations) / records,
    dollarsPerMillion: ownDollars(costPerMillion({ inputRecords: records, stateBytes: 0, functions }, DEFAULT_TERMS)),
  };
}

function toWork(
  { name, commits, operator }: FunctionPlan,
  reports: readonly TaskReport[],
  invocations: number,
): FunctionWork {
  const sum = (of: (report: TaskReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const memoryMb = operator.function?.memoryMb ?? (commits ? WITH_LOG : WITHOUT_LOG).memoryMb;
  const elements = sum((report) => report.elements);
  return {
    name,
    memoryMb,
    records: sum((report) => report.records),
    invocations,
    milliseconds:
      invocations * waitMs({ committed: commits, sent: true, read: false }) +
      computeMs(elements * ASSUMED_RECORD_MS, memoryMb),
    commits: sum(({ sequenceNumber }) => Math.sign(sequenceNumber)),
    cells: sum(({ changedCells }) => changedCells),
    writeUnits: sum(({ stateUnits, tableUnits }) => (stateUnits?.write ?? 0) + (tableUnits?.write ?? 0)),
    readUnits: sum(({ stateUnits, tableUnits }) => (stateUnits?.read ?? 0) + (tableUnits?.read ?? 0)),
    bytesRead: 0,
    bytesWritten: 0,
    logBytes: invocations * (PLATFORM_LOG_BYTES + ASSUMED_LINE_BYTES),
    queueRequests: 0,
  };
}
