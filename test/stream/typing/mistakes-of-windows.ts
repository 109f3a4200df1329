/** Mistakes with windows that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

export const MISTAKES_OF_WINDOWS: readonly Mistake[] = [
  {
    title: "a slide as a number",
    code: `sliding(seconds(5), 1000)`,
    error: "TS2345: Argument of type 'number' is not assignable to parameter of type 'Duration'.",
  },
  {
    title: "a gap per element that is a number",
    code: `stream(access).keyBy((a) => a.url).window(session((a) => a.ms))`,
    error:
      "TS2345: Argument of type '(a: { at: number; url: string; status: number; ms: number; user?: string | undefined; }) => number' is not assignable to parameter of type '((value: { at: number; url: string; status: number; ms: number; user?: string | undefined; }) => Duration) | Duration'.",
  },
  {
    title: "an async function of a window",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).process(async (all) => all)`,
    error:
      "TS2322: Type 'Promise<readonly { at: number; url: string; status: number; ms: number; user?: string | undefined; }[]>' is not assignable to type 'Promise<readonly { at: number; url: string; status: number; ms: number; user?: string | undefined; }[]> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "a quantile of what is no number",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).aggregate((on) => on.quantile(0.5, (a) => a.url))`,
    error: "TS2322: Type 'string' is not assignable to type 'number'.",
  },
  {
    title: "distinct objects",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).aggregate((on) => on.distinct((a) => ({ a })))`,
    error:
      "TS2322: Type '{ a: { at: number; url: string; status: number; ms: number; user?: string | undefined; }; }' is not assignable to type 'Key | null'.",
  },
  {
    title: "state of a window that was not declared",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).process((all, { windowState }) => [windowState.m.value], { windowState: { n: counterState() } })`,
    error: "TS2339: Property 'm' does not exist on type 'HandlesOf<NoInfer<{ n: StateDeclaration<CounterState>; }>>'.",
  },
  {
    title: "a trigger of other elements",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).trigger(deltaTrigger(1, (a: number, b: number) => b - a))`,
    error:
      "TS2345: Argument of type 'Trigger<number, unknown>' is not assignable to parameter of type 'Trigger<{ at: number; url: string; status: number; ms: number; user?: string | undefined; }, TimeWindow>'.",
  },
  {
    title: "a trigger that decides something else",
    code: `stream(access).keyBy((a) => a.url).window(tumbling(seconds(5))).trigger(customTrigger({ state: () => 0, onElement: () => "stop" }))`,
    error: "TS2322: Type '\"stop\"' is not assignable to type 'TriggerResult'.",
  },
  {
    title: "a rolling sum behind windows over all keys",
    code: `stream(access).windowAll(tumbling(seconds(5))).count().sum(Number)`,
    error: "TS2339: Property 'sum' does not exist on type 'Stream<WindowResult<null, number, TimeWindow>, null>'.",
  },
];
