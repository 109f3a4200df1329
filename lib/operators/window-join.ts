/**
 * Windows over two streams: joins (every pair) and coGroups (both sides of a window at once). Elements of both go into one window, each with its side, as in
 * Flink; so all windows there are can be joined, and close, are late and fire again as they always do.
 */

import { requireStorable } from "../state/value-encoding.ts";
import { collectAll } from "../stream/aggregators-collecting.ts";
import type { WindowAggregateNode, WindowJoinNode } from "../stream/node.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";
import { bindPair } from "./bind-pair.ts";
import type { Push, Step, StepSetup } from "./step.ts";
import { windowStep } from "./window.ts";

/** How deep inside a cell of any kind of window an element is kept, at the most: a cell's sessions, each with a list of pairs. */
const KEPT_DEPTH = 5;

/** An element with its side. */
type Tagged = readonly [side: 0 | 1, value: unknown];

type Result = { readonly value: readonly Tagged[]; readonly window: unknown };

export function windowJoinStep(node: WindowJoinNode, setup: StepSetup): Step {
  const { call, out } = setup;
  const { mode } = node;
  const label = mode === "pairs" ? "join" : "coGroup";
  const fn = bindPair(node.fn, call, label);
  const hand = mode === "pairs" ? handPairs : handGroups;

  const handOn: Push = (result, key, timestampMs) => {
    const { value, window } = result as Result;
    const lefts: unknown[] = [];
    const rights: unknown[] = [];
    for (const [side, element] of value) (side === 0 ? lefts : rights).push(element);
    hand(
      lefts,
      rights,
      (left, right) => fn(left, right, key, timestampMs, window),
      (made) => out(made, key, timestampMs),
    );
  };
  const late: Push = (tagged, key, timestampMs) => {
    const [side, value] = tagged as Tagged;
    setup.late[side]?.(value, key, timestampMs);
  };
  const { inputs, partials: _, shape, ...step } = windowStep(toWindow(node), { ...setup, out: handOn, late: [late] });
  const [push] = inputs as readonly [Push];
  const tag =
    (side: 0 | 1): Push =>
    (value, key, timestampMs) => {
      call.step = label;
      requireStorable(value, "the element", KEPT_DEPTH);
      push([side, value] satisfies Tagged, key, timestampMs);
    };
  return { inputs: [tag(0), tag(1)], ...step, shape: `two sides in ${shape}` };
}

type Call = (left: unknown, right: unknown) => unknown;
type Hand = (lefts: readonly unknown[], rights: readonly unknown[], call: Call, out: (made: unknown) => void) => void;

const handPairs: Hand = (lefts, rights, call, out) => {
  for (const left of lefts) for (const right of rights) out(call(left, right));
};

const handGroups: Hand = (lefts, rights, call, out) => {
  for (const made of call(lefts, rights) as Iterable<unknown>) out(made);
};

/** The window that collects both sides. */
function toWindow({ inputs, name, assigner, allowedLateness }: WindowJoinNode): WindowAggregateNode {
  return {
    kind: "window",
    input: inputs[0],
    name,
    assigner: toTagged(assigner),
    aggregator: collectAll(),
    process: undefined,
    trigger: undefined,
    evictor: undefined,
    allowedLateness,
    lateTo: undefined,
    all: false,
  };
}

/** An assigner whose functions see elements as authors know them. */
function toTagged(assigner: WindowAssignerSpec): WindowAssignerSpec {
  if (assigner.kind === "session" && typeof assigner.gap === "function") {
    const { gap } = assigner;
    return { ...assigner, gap: ([, value]: Tagged, ...rest: unknown[]) => gap(value, ...rest) };
  }
  if (assigner.kind === "custom") {
    const { assign } = assigner;
    return { ...assigner, assign: ([, value]: Tagged, ...rest: unknown[]) => assign(value, ...rest) };
  }
  return assigner;
}
