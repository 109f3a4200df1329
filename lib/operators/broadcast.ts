/** Process functions on a stream, keyed or not, and a broadcast one: as Flink's KeyedBroadcastProcessFunction and BroadcastProcessFunction. */

import { MillraceError } from "../stream/error.ts";
import { decodeKey, type Key } from "../stream/key.ts";
import type { BroadcastNode } from "../stream/node.ts";
import { BroadcastTurn, broadcastStates, broadcastTable } from "./broadcast-state.ts";
import { keyedCalls, ProcessCalls } from "./process-calls.ts";
import { keysOfState, type MadeState } from "./process-states.ts";
import type { CallScope } from "./state-scope.ts";
import type { Push, Step, StepSetup } from "./step.ts";

/** What is broadcast has no key, and what is made of it neither. */
const NO_KEY = null;

export function broadcastStep(node: BroadcastNode, setup: StepSetup): Step {
  const { call } = setup;
  const { onElement, onBroadcast, keeps } = node;
  const turn = new BroadcastTurn();
  const calls = new ProcessCalls(setup, turn);
  const table = keeps === "table" ? broadcastTable(setup, call, turn) : undefined;
  const broadcastState =
    table?.view ?? broadcastStates(keeps as Exclude<typeof keeps, "table">, calls.scope, setup, turn);
  const keyed = keyedCalls(node, calls, setup, { broadcastState });
  const ctx = {
    ...call.ctx,
    broadcastState,
    watermarkMs: calls.toldMs,
    ...(node.isKeyed && { forEachKey: forEachKey(node, setup, keyed.states, calls.scope, turn) }),
  };

  const element: Push = node.isKeyed
    ? keyed.input(onElement, "process (onElement)")
    : (value, _key, timestampMs) =>
        calls.run("process (onElement)", () => onElement(value, ctx), ctx, NO_KEY, undefined, timestampMs);

  const broadcast: Push = (value, key, timestampMs) => {
    const given = table === undefined ? value : { key, value: (value as readonly [unknown, unknown])[1] };
    call.reachedState = true;
    call.step = "process (onBroadcast)";
    table?.put(key as Key, (given as { value: unknown }).value);
    if (onBroadcast === undefined) return;
    turn.mayWrite = true;
    try {
      calls.run("process (onBroadcast)", () => onBroadcast(given, ctx), ctx, NO_KEY, undefined, timestampMs);
    } finally {
      turn.mayWrite = false;
    }
  };

  return {
    inputs: [element, broadcast],
    // Who kept the one would find nothing of the other, and what was broadcast is not read again.
    shape: keeps === "table" ? "a broadcast table" : "states of a broadcast stream",
    ...keyed.timed,
  };
}

/** Visits a state of every key of the task. */
function forEachKey(
  node: BroadcastNode,
  setup: StepSetup,
  made: readonly MadeState[],
  scope: CallScope,
  turn: BroadcastTurn,
) {
  return (name: string, fn: (key: unknown, state: unknown) => void): void => {
    turn.requireWritable("forEachKey");
    const declared = node.states.find((one) => one.name === name);
    const state = made.find((one) => one.name === name);
    if (declared === undefined || state === undefined)
      throw new MillraceError(
        "author",
        `forEachKey is given ${JSON.stringify(name)}, which is no state that is declared`,
      );
    try {
      for (const key of keysOfState(name, declared.spec, setup)) {
        scope.open(key);
        fn(decodeKey(key), state.cells.handle);
      }
    } finally {
      scope.close();
    }
  };
}
