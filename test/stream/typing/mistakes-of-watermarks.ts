/** Mistakes in watermarks that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

export const MISTAKES_OF_WATERMARKS: readonly Mistake[] = [
  {
    title: "a watermark of other elements than the topic's",
    code: `topic("t", { value: json<{ n: number }>(), watermark: punctuated((e: { other: number }) => e.other) })`,
    error:
      "TS2322: Type 'WatermarkStrategy<{ other: number; }>' is not assignable to type 'WatermarkStrategy<NoInfer<{ n: number; }>>'.",
  },
  {
    title: "a watermark of other elements than those that are read",
    code: `stream(lines, { watermark: punctuated((n: number) => n) })`,
    error: "TS2322: Type 'WatermarkStrategy<number>' is not assignable to type 'WatermarkStrategy<string>'.",
  },
  {
    title: "a punctuated watermark that is a date",
    code: `stream(access, { watermark: punctuated((a) => new Date(a.at)) })`,
    error: "TS2322: Type 'Date' is not assignable to type 'number'.",
  },
  {
    title: "an async generator of watermarks",
    code: `stream(access, { watermark: customWatermark({ onEvent: async () => 5 }) })`,
    error:
      "TS2322: Type '() => Promise<number>' is not assignable to type '(value: NoInfer<{ at: number; url: string; status: number; ms: number; user?: string | undefined; }>, ctx: GeneratorEventCtx<undefined>) => MaybeWatermark'.",
  },
];
