/** What changes of an application's functions: which there are, what they read, and what they keep. */

import { listOf, quote } from "../stream/sentence.ts";
import { type Change, change } from "./change.ts";
import type { CodeVersion, FunctionVersion, StateVersion } from "./version.ts";

export function changesOfFunctions(before: CodeVersion, after: CodeVersion): readonly Change[] {
  const operators = operatorsOf(after);
  const gone = [...operatorsOf(before)].filter(([name]) => !operators.has(name));
  const known = operatorsOf(before);
  return [
    ...gone.map(([name, functions]) => goneOperator(name, functions)),
    ...[...operators.keys()]
      .filter((name) => !known.has(name))
      .map((name) =>
        change(
          "said",
          name,
          "",
          "added",
          `Operator ${quote(name)} is new: it begins with what its topics hold, or with what comes where they say "latest".`,
        ),
      ),
    ...Object.entries(before.functions).flatMap(([name, was]) => {
      if (!operators.has(was.operator)) return [];
      const now = after.functions[name];
      return now === undefined ? [goneFunction(name, was)] : changesOfFunction(name, was, now);
    }),
    ...Object.entries(after.functions)
      .filter(([name, { operator }]) => before.functions[name] === undefined && known.has(operator))
      .map(([name]) =>
        change("said", name, "", "added", `Function ${name} is new: it begins with what reaches it from now on.`),
      ),
  ];
}

function operatorsOf({ functions }: CodeVersion): ReadonlyMap<string, readonly [string, FunctionVersion][]> {
  return Map.groupBy(Object.entries(functions), ([, { operator }]) => operator);
}

function goneOperator(name: string, functions: readonly [string, FunctionVersion][]): Change {
  const kept = functions.flatMap(([, { state }]) => Object.keys(state));
  const logs = functions.filter(([, { commits }]) => commits).map(([functionName]) => functionName);
  if (logs.length === 0)
    return change(
      "said",
      name,
      "there",
      "",
      `Operator ${quote(name)} is gone. It kept nothing; records that it has not read stay unread.`,
    );
  return change(
    "dangerous",
    name,
    "there",
    "",
    `Operator ${quote(name)} would be gone. ${kept.length === 0 ? "Its log" : `What it keeps (${listOf(kept)})`} stays in the table and nobody goes on with it; what is due later never comes, and what is under way is not read. Under another name it would begin anew and read again what its topics still hold, and its outputs would be new ones to every reader.`,
  );
}

function goneFunction(name: string, { state }: FunctionVersion): Change {
  const kept = Object.keys(state);
  return change(
    "dangerous",
    name,
    "there",
    "",
    `Function ${name} would be gone: a keyBy was removed, or has another name. ${kept.length === 0 ? "" : `What it keeps (${listOf(kept)}) stays in the table and nobody goes on with it. `}What is under way in its shuffle is not read any more; behind a keyBy of another name all begins anew.`,
  );
}

function changesOfFunction(name: string, was: FunctionVersion, now: FunctionVersion): readonly Change[] {
  return [
    ...changesOfLog(name, was, now),
    ...changesOfInput(name, was, now),
    ...Object.entries(was.keys ?? {}).flatMap(([origin, text]) => changesOfKey(name, origin, text, now.keys?.[origin])),
    ...Object.entries(was.state).flatMap(([table, state]) =>
      changesOfState(`${name}/${table}`, state, now.state[table]),
    ),
    ...Object.keys(now.state)
      .filter((table) => was.state[table] === undefined)
      .map((table) =>
        change(
          "said",
          `${name}/${table}`,
          "",
          "added",
          `${name} keeps state of ${table} from now on: it begins empty.`,
        ),
      ),
  ];
}

function changesOfLog(name: string, was: FunctionVersion, now: FunctionVersion): readonly Change[] {
  if (was.commits === now.commits) return [];
  return [
    change(
      "dangerous",
      `${name}/log`,
      String(was.commits),
      String(now.commits),
      was.commits
        ? `Function ${name} would keep no log any more. What it commits last may be sent again under other identities, which readers take for new records. Give the operator another name, which begins anew.`
        : `Function ${name} would begin to keep a log. It would process again what its topics still hold, and the numbers of its outputs would begin below those that readers have seen, who would drop them as repeats. Give the operator another name, which begins anew.`,
    ),
  ];
}

function changesOfInput(name: string, was: FunctionVersion, now: FunctionVersion): readonly Change[] {
  const changes = Object.entries(was.reads).flatMap(([topic, partitions]) => {
    const left = now.reads[topic];
    if (left === undefined) return [goneInput(name, topic, was)];
    if (left === partitions) return [];
    return [
      change(
        "impossible",
        `${name} reads ${topic}`,
        String(partitions),
        String(left),
        `Function ${name} would read ${topic} in ${left} partitions instead of ${partitions}: keys would have their state in other tasks than before. Give the ${topic === name ? "keyBy" : "operator"} another name, which begins anew beside it${topic === name ? ", or set its parallelism to what it was" : ""}.`,
      ),
    ];
  });
  if (was.maxParallelism !== undefined && now.maxParallelism !== undefined && was.maxParallelism !== now.maxParallelism)
    changes.push(
      change(
        "impossible",
        `${name} maxParallelism`,
        String(was.maxParallelism),
        String(now.maxParallelism),
        `The maxParallelism of ${name} would be ${now.maxParallelism} instead of ${was.maxParallelism}: keys would have their state in other tasks than before. Leave it, or give the keyBy another name, which begins anew.`,
      ),
    );
  for (const topic of Object.keys(now.reads))
    if (was.reads[topic] === undefined)
      changes.push(
        change(
          "said",
          `${name} reads ${topic}`,
          "",
          "added",
          `${name} reads ${topic} too, from the beginning or from now on, as the stream says.`,
        ),
      );
  return changes;
}

function goneInput(name: string, topic: string, { state, commits }: FunctionVersion): Change {
  const kept = Object.keys(state);
  const kind = kept.length > 0 ? "dangerous" : "said";
  return change(
    kind,
    `${name} reads ${topic}`,
    "there",
    "",
    kept.length > 0
      ? `Function ${name} would not read ${topic} any more. What it keeps of it (${listOf(kept)}) stays in the table and nobody goes on with it.`
      : `Function ${name} does not read ${topic} any more: records that it has not read stay unread${commits ? ", and those under way behind it become dead letters" : ""}.`,
  );
}

function changesOfKey(name: string, origin: string, was: string, now: string | undefined): readonly Change[] {
  if (now === undefined || now === was) return [];
  return [
    change(
      "dangerous",
      `${name} key of ${origin}`,
      was,
      now,
      `The key of what comes from ${origin} to ${name} is ${now} now, and was ${was}. If that gives other keys, what is kept of the former ones is met by nobody. Confirm it if the keys are the same; else give the keyBy another name, which begins anew.`,
    ),
  ];
}

function changesOfState(name: string, was: StateVersion, now: StateVersion | undefined): readonly Change[] {
  if (now === undefined)
    return [
      change(
        "dangerous",
        name,
        was.shape,
        "",
        `${name} would be gone: the step was removed, or has another name. What it keeps (${was.shape}) stays where it is and nobody goes on with it; what is due later never comes.`,
      ),
    ];
  if (was.shape !== now.shape)
    return [
      change(
        "dangerous",
        name,
        was.shape,
        now.shape,
        `${name} keeps ${was.shape}, and its code has ${now.shape} now: tasks that keep anything of it would refuse to run. Give the step another name, which begins anew beside it, or confirm it and reset the function.`,
      ),
    ];
  const [left, right] = was.inputs ?? [];
  if (left !== right && left !== undefined && left === now.inputs?.[1] && right === now.inputs?.[0])
    return [
      change(
        "dangerous",
        name,
        `${left},${right}`,
        `${right},${left}`,
        `${name} has ${left} on the left and ${right} on the right, and its code has it the other way round now: tasks that keep anything of it would refuse to run. Give the step another name, which begins anew beside it.`,
      ),
    ];
  return changesOfDeclared(name, was.states ?? {}, now.states ?? {});
}

function changesOfDeclared(
  name: string,
  was: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): readonly Change[] {
  return Object.entries(was).flatMap(([state, kind]) => {
    const left = now[state];
    if (left === kind) return [];
    return [
      change(
        "dangerous",
        `${name}/${state}`,
        kind,
        left ?? "",
        left === undefined
          ? `The state ${quote(state)} of ${name} is not declared any more, or has another name: what it keeps stays where it is and nobody reads it.`
          : `The state ${quote(state)} of ${name} was a ${kind}State and is a ${left}State now: tasks that keep anything in it would refuse to run. Give it another name.`,
      ),
    ];
  });
}
