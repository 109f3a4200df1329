/** How a redrive is invoked: again where it fails, and then what it finds done is its own doing. */

import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../lib/local/clock.ts";
import { invokeHere, invokeRepeatedly } from "../../lib/local/redrive.ts";
import type { Host } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import type { FunctionPlan } from "../../lib/stream/plan.ts";
import type { RedriveEvent, RedriveOutcome } from "../../lib/wire/lambda-event.ts";

const outcomes: RedriveOutcome[] = [
  { id: "a", outcome: "redriven-before" },
  { id: "b", outcome: "failed-before" },
  { id: "c", outcome: "redriven" },
  { id: "d", outcome: "impossible", reason: "gone" },
];

/** Invokes a function that fails so often, without a wait between; says what it told and gave. */
async function invokeFailing(failures: number) {
  const definition = { function: {} };
  let calls = 0;
  const handler = async () => {
    calls += 1;
    if (calls <= failures) throw new Error(`failure ${calls}`);
    return { batchItemFailures: [], outcomes };
  };
  const problems: string[] = [];
  const operators = [Object.assign(handler, { definition }) as unknown as Operator];
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms > 10_000 ? ms : 0, signal) };
  const invoke = invokeRepeatedly(invokeHere({ operators, hostOf: () => ({}) as Host, clock }), {
    clock,
    onProblem: (sentence) => problems.push(sentence),
  });
  const plan = { name: "count", operator: definition } as unknown as FunctionPlan;
  const event: RedriveEvent = { eventSource: "millrace:redrive", functionName: "count", records: {} };
  const response = await invoke(plan, event).catch((error: Error) => error.message);
  return { problems, response: typeof response === "string" ? response : response.outcomes.map((one) => one.outcome) };
}

test("what was done before is told as it is", async () => {
  expect(await invokeFailing(0)).toEqual({
    problems: [],
    response: ["redriven-before", "failed-before", "redriven", "impossible"],
  });
});

test("after a failure, what was done before may have been done by the attempt that failed", async () => {
  expect(await invokeFailing(2)).toEqual({
    problems: ["failure 1", "failure 2"],
    response: ["redriven", "failed-again", "redriven", "impossible"],
  });
});

test("what fails again and again is left, with its reason", async () => {
  expect(await invokeFailing(100)).toMatchObject({ response: "failure 8" });
});

test("a call that cannot be carried out is not repeated", async () => {
  const problems: string[] = [];
  const refused = () => Promise.reject(new MillraceError("usage", "There is no such function."));
  const invoke = invokeRepeatedly(refused, { clock: systemClock, onProblem: (sentence) => problems.push(sentence) });
  const event: RedriveEvent = { eventSource: "millrace:redrive", functionName: "count", records: {} };
  await expect(invoke({} as FunctionPlan, event)).rejects.toThrow("There is no such function.");
  expect(problems).toEqual([]);
});
