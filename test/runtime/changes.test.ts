/** What a new version of an operator's code would change of what the deployed one keeps, rule by rule: said, dangerous, or impossible. */

import {
  counterState,
  countTrigger,
  listState,
  type Operator,
  operator,
  seconds,
  stream,
  tumbling,
  valueState,
} from "millrace";
import { describe, expect, test } from "vitest";
import { between, declare, keyed, lefts, out, rights, sum, version } from "./two-versions.ts";

const counted = (step: "total" | "sum" = "total", method: "sum" | "max" = "sum") =>
  version(
    keyed()
      [method](({ n }) => n, { name: step })
      .to(out),
  );
const copied = () => version(stream(lefts).to(declare("copies")));

describe("nothing is changed by", () => {
  test.each<[string, Operator, Operator]>([
    ["nothing", sum(), sum()],
    [
      "steps without state before and behind one with state",
      sum(),
      version(
        keyed()
          .filter(({ n }) => n > 0)
          .window(tumbling(seconds(5)))
          .sum(({ n }) => n)
          .map(({ value }) => value)
          .to(out),
      ),
    ],
    [
      "another layout of the function that gives keys",
      sum(),
      version(
        stream(lefts)
          // biome-ignore format: the layout is what this is about
          .keyBy(({ id }) => id)
          .window(tumbling(seconds(5)))
          .sum(({ n }) => n)
          .to(out),
      ),
    ],
    [
      "an aggregate that asks for something else of the same sketch",
      version(
        keyed()
          .window(tumbling(seconds(5)))
          .aggregate((on) => on.quantile(0.5, ({ n }) => n))
          .to(out),
      ),
      version(
        keyed()
          .window(tumbling(seconds(5)))
          .aggregate((on) => on.quantile([0, 1], ({ n }) => n))
          .to(out),
      ),
    ],
    [
      "a state more of a process function",
      version(
        keyed()
          .process({ state: { n: counterState() }, onElement: () => [] })
          .to(out),
      ),
      version(
        keyed()
          .process({ state: { n: counterState(), all: listState<number>() }, onElement: () => [] })
          .to(out),
      ),
    ],
  ])("%s", (_, before, after) => expect(between([before], [after])).toEqual([]));
});

describe("what is kept", () => {
  const other =
    "would refuse to run. Give the step another name, which begins anew beside it, or confirm it and reset the function.";

  test.each<[string, Operator, Operator, string[]]>([
    [
      "windows of another size",
      sum(),
      sum(6),
      [
        `dangerous evolving--by-key/by-key/window: evolving--by-key/by-key/window keeps tumbling of 5000 ms in event time, sum, and its code has tumbling of 6000 ms in event time, sum now: tasks that keep anything of it ${other}`,
      ],
    ],
    [
      "another aggregate",
      counted(),
      counted("total", "max"),
      [
        `dangerous evolving--by-key/by-key/total: evolving--by-key/by-key/total keeps rolling sum, and its code has rolling max now: tasks that keep anything of it ${other}`,
      ],
    ],
    [
      "a renamed step",
      counted(),
      counted("sum"),
      [
        "dangerous evolving--by-key/by-key/total: evolving--by-key/by-key/total would be gone: the step was removed, or has another name. What it keeps (rolling sum) stays where it is and nobody goes on with it; what is due later never comes.",
        "said evolving--by-key/by-key/sum: evolving--by-key keeps state of by-key/sum from now on: it begins empty.",
      ],
    ],
    [
      "another key",
      sum(),
      version(
        stream(lefts)
          .keyBy(({ n }) => n)
          .window(tumbling(seconds(5)))
          .sum(({ n }) => n)
          .to(out),
      ),
      [
        "dangerous evolving--by-key key of lefts: The key of what comes from lefts to evolving--by-key is ({n})=>n now, and was ({id})=>id. If that gives other keys, what is kept of the former ones is met by nobody. Confirm it if the keys are the same; else give the keyBy another name, which begins anew.",
      ],
    ],
    [
      "a keyBy of another name",
      sum(),
      version(
        stream(lefts)
          .keyBy(({ id }) => id, { name: "by-id" })
          .window(tumbling(seconds(5)))
          .sum(({ n }) => n)
          .to(out),
      ),
      [
        "dangerous evolving--by-key: Function evolving--by-key would be gone: a keyBy was removed, or has another name. What it keeps (by-key/window) stays in the table and nobody goes on with it. What is under way in its shuffle is not read any more; behind a keyBy of another name all begins anew.",
        "said evolving--by-id: Function evolving--by-id is new: it begins with what reaches it from now on.",
      ],
    ],
    [
      "a state that is declared no more, and one of another kind",
      version(
        keyed()
          .process({ state: { n: counterState(), last: valueState<number>() }, onElement: () => [] })
          .to(out),
      ),
      version(
        keyed()
          .process({ state: { n: valueState<number>() }, onElement: () => [] })
          .to(out),
      ),
      [
        'dangerous evolving--by-key/by-key/process/n: The state "n" of evolving--by-key/by-key/process was a counterState and is a valueState now: tasks that keep anything in it would refuse to run. Give it another name.',
        'dangerous evolving--by-key/by-key/process/last: The state "last" of evolving--by-key/by-key/process is not declared any more, or has another name: what it keeps stays where it is and nobody reads it.',
      ],
    ],
    [
      "the state of a window's function",
      version(
        keyed()
          .window(tumbling(seconds(5)))
          .trigger(countTrigger(1))
          .process(() => ["x"], { windowState: { n: counterState() }, globalState: { n: counterState() } })
          .to(out),
      ),
      version(
        keyed()
          .window(tumbling(seconds(5)))
          .trigger(countTrigger(1))
          .process(() => ["x"], { globalState: { n: counterState() } })
          .to(out),
      ),
      [
        'dangerous evolving--by-key/by-key/window/window n: The state "window n" of evolving--by-key/by-key/window is not declared any more, or has another name: what it keeps stays where it is and nobody reads it.',
      ],
    ],
    [
      "sides of a join that changed places",
      version(
        keyed()
          .intervalJoin(keyed(rights))
          .between(seconds(-5), seconds(5))
          .map((a) => a)
          .to(out),
      ),
      version(
        keyed(rights)
          .intervalJoin(keyed())
          .between(seconds(-5), seconds(5))
          .map((a) => a)
          .to(out),
      ),
      [
        "dangerous evolving--by-key/by-key/intervalJoin: evolving--by-key/by-key/intervalJoin has lefts on the left and rights on the right, and its code has it the other way round now: tasks that keep anything of it would refuse to run. Give the step another name, which begins anew beside it.",
      ],
    ],
    [
      "a log that begins",
      copied(),
      version(stream(lefts).to(declare("copies")), keyed().count().to(out)),
      [
        "dangerous evolving/log: Function evolving would begin to keep a log. It would process again what its topics still hold, and the numbers of its outputs would begin below those that readers have seen, who would drop them as repeats. Give the operator another name, which begins anew.",
        "said evolving--by-key: Function evolving--by-key is new: it begins with what reaches it from now on.",
      ],
    ],
  ])("%s", (_, before, after, changes) => expect(between([before], [after])).toEqual(changes));

  test("a log that ends", () => {
    expect(between([version(stream(lefts).to(declare("copies")), keyed().count().to(out))], [copied()])).toContainEqual(
      expect.stringContaining("dangerous evolving/log: Function evolving would keep no log any more."),
    );
  });
});

describe("operators", () => {
  const another = () => operator("another", keyed().count().to(out));

  test("one that is gone leaves what it keeps; one that kept nothing does not; a new one begins with what its topics hold", () => {
    expect(between([sum()], [another()])).toEqual([
      'dangerous evolving: Operator "evolving" would be gone. What it keeps (by-key/window) stays in the table and nobody goes on with it; what is due later never comes, and what is under way is not read. Under another name it would begin anew and read again what its topics still hold, and its outputs would be new ones to every reader.',
      'said another: Operator "another" is new: it begins with what its topics hold, or with what comes where they say "latest".',
    ]);
    expect(between([sum(), operator("copy", stream(lefts).to(rights))], [sum()])).toContain(
      'said copy: Operator "copy" is gone. It kept nothing; records that it has not read stay unread.',
    );
  });

  test("files, lines and the order of operators are nothing", () => {
    const elsewhere = sum();
    Object.assign(elsewhere.definition, { file: "functions/moved.ts", line: 7 });
    expect(between([sum(), another()], [another(), elsewhere])).toEqual([]);
  });
});
