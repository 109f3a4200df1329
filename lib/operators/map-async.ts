/** mapAsync: one element for one, from an answer of the outside. The step gathers what is to be asked; the task asks, and hands the answers on. */

import type { MapAsyncNode } from "../stream/node.ts";
import { bindPair } from "./bind-pair.ts";
import type { AskScope, StatelessSetup, Step, Waiting } from "./step.ts";

/** What the step is told of its place: `scope` gives the unit that is being processed, and `isBeforeState` says that answers must not come after time has moved. */
export type AskingSetup = StatelessSetup & {
  readonly index: number;
  readonly scope: () => AskScope;
  readonly isBeforeState: boolean;
};

export function mapAsyncStep(node: MapAsyncNode, { call, out, scope, index, isBeforeState }: AskingSetup): Step {
  const what = node.name === undefined ? "mapAsync" : `mapAsync ${node.name}`;
  const combine = node.combine === undefined ? undefined : bindPair(node.combine, call, what);
  let gathered: Waiting[] = [];
  let epoch = 0;
  return {
    inputs: [
      (value, key, timestampMs) => {
        const own = scope();
        gathered.push({ value, key, timestampMs, scope: own, ordinal: own.asked++, epoch });
      },
    ],
    asks: {
      spec: node.spec,
      index,
      what,
      isBeforeState,
      timeMoved: () => {
        epoch++;
      },
      take() {
        const taken = gathered;
        gathered = [];
        epoch = 0;
        return taken;
      },
      handOn: ({ value, key, timestampMs }, answer) =>
        out(combine === undefined ? answer : combine(value, answer, key, timestampMs), key, timestampMs),
    },
  };
}
