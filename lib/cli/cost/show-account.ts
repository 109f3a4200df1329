/** An account as text, with its arithmetic. */

import { ASSUMED_MS } from "../../cost/assumed.ts";
import { arithmetic, type CostLine, showDollars, showNumber, totalOf } from "../../cost/cost-line.ts";
import { ownDollars } from "../../cost/cost-of-work.ts";
import type { Topology } from "../../stream/plan.ts";
import { formatTable } from "../table.ts";
import { type Account, millionsPerMonth, type RateAccount } from "./account.ts";

/** `arithmeticOf`: the rate whose bill is shown line by line. */
export function showAccount(
  account: Account,
  topology: Topology,
  { arithmeticOf, compare }: { readonly arithmeticOf: number | undefined; readonly compare: boolean },
): string {
  const shown = account.rates.find(({ recordsPerSecond }) => recordsPerSecond === arithmeticOf);
  return [
    intro(account),
    `By the month, while nothing flows\n${lines(account.idle)}  in all: ${showDollars(account.idleDollarsPerMonth)}\n`,
    `By the rate of records read from outside\n${byRate(account, topology)}`,
    ...(shown === undefined ? [] : [oneRate(shown)]),
    ...(compare ? [comparison(account)] : []),
  ].join("\n");
}

function intro({ pricesAsOf, region, sample, rates }: Account): string {
  const isMeasuredHere = rates.some(({ secondsMeasured }) => secondsMeasured !== undefined);
  const { commit, send, read, rest } = ASSUMED_MS;
  const how = isMeasuredHere
    ? [
        `Measured: the functions with the batches that Lambda would make, in virtual time, over ${sample}; calls, units and bytes as AWS counts them, and the time that they compute here.`,
        `Assumed: an invocation waits ${commit} ms for its commit, ${send} ms for Kafka, ${read} ms for what it reads and ${rest} ms for the rest; environments stay warm; windows longer than what was measured have not closed.`,
      ]
    : [`Measured elsewhere: ${sample}; the same work for each record at every rate.`];
  return `${[`Prices of ${region} as of ${pricesAsOf}, without free tiers, discounts and taxes.`, ...how].join("\n")}\n`;
}

function lines(all: readonly CostLine[]): string {
  const width = Math.max(0, ...all.map(({ what }) => what.length));
  return all.map((line) => `  ${line.what.padEnd(width)}  ${arithmetic(line)}\n`).join("");
}

function byRate({ rates }: Account, topology: Topology): string {
  const row = (what: string, of: (rate: RateAccount) => string) => [what, ...rates.map(of)];
  const operatorRows = (times: (rate: RateAccount) => number) =>
    topology.operators.map(({ operatorName }) => {
      const own = topology.functions
        .filter((plan) => plan.operator.operatorName === operatorName)
        .map(({ name }) => name);
      return row(`  ${operatorName}`, (rate) => {
        const costs = rate.functions.filter(({ name }) => own.includes(name));
        return showDollars(ownDollars(costs) * times(rate));
      });
    });
  const perMonth = (what: string, of: (month: RateAccount["dollarsPerMonth"]) => number) =>
    row(what, ({ dollarsPerMonth }) => showDollars(of(dollarsPerMonth)));
  const heads = ["", ...rates.map(({ recordsPerSecond }) => `${recordsPerSecond.toLocaleString("en")}/s`)];
  const rows = [
    row("records for an invocation that reads", (rate) => showNumber(recordsPerInvocation(rate, topology))),
    row("seconds measured", ({ secondsMeasured }) =>
      secondsMeasured === undefined ? "–" : showNumber(secondsMeasured),
    ),
    row("a million records: functions and state", ({ dollarsPerMillion }) =>
      showDollars(dollarsPerMillion.functionsAndState),
    ),
    ...operatorRows(() => 1),
    row("a million records: Kafka's traffic", ({ dollarsPerMillion }) => showDollars(dollarsPerMillion.kafkaTraffic)),
    perMonth("a month: functions and state", ({ functionsAndState }) => functionsAndState),
    ...operatorRows(({ recordsPerSecond }) => millionsPerMonth(recordsPerSecond)),
    perMonth("a month: Kafka's traffic", ({ kafkaTraffic }) => kafkaTraffic),
    perMonth("a month: what is there anyway, metrics, storage", ({ fixed }) => fixed),
    perMonth("a month: in all", ({ inAll }) => inAll),
  ];
  const numbers = rates.map((_, i) => i + 1);
  const limits = rates.flatMap(({ recordsPerSecond, limits: sentences }) =>
    sentences.map((sentence) => `At ${recordsPerSecond.toLocaleString("en")}/s ${sentence}\n`),
  );
  return `${formatTable(heads, rows, numbers)}${limits.join("")}`;
}

/** Of the functions that read from outside. */
function recordsPerInvocation({ work }: RateAccount, { functions }: Topology): number {
  const names = functions.filter(({ sources }) => sources.length > 0).map(({ name }) => name);
  const reading = work.functions.filter(({ name }) => names.includes(name));
  const sum = (of: (one: (typeof reading)[number]) => number) => reading.reduce((total, one) => total + of(one), 0);
  return (
    sum(({ records }) => records) /
    Math.max(
      1,
      sum(({ invocations }) => invocations),
    )
  );
}

function oneRate({ recordsPerSecond, functions, monthLines }: RateAccount): string {
  const parts = functions.map(({ name, own, kafka }) => {
    const all = [...own, ...kafka];
    return `${name}, a million records\n${lines(all)}  in all: ${showDollars(totalOf(all))}\n`;
  });
  return `At ${recordsPerSecond.toLocaleString("en")} records/s\n\n${parts.join("\n")}\nby the month beside what is there anyway\n${lines(monthLines)}`;
}

function comparison({ rates }: Account): string {
  const [first] = rates;
  if (first === undefined) return "";
  const heads = ["", ...rates.map(({ recordsPerSecond }) => `${recordsPerSecond.toLocaleString("en")}/s`)];
  const rows = [
    [
      "Millrace: functions and state",
      ...rates.map(({ dollarsPerMonth }) => showDollars(dollarsPerMonth.functionsAndState)),
    ],
    ...first.otherWays.map(({ name }, i) => [
      name,
      ...rates.map(({ otherWays }) => showDollars(otherWays[i]?.dollarsPerMonth ?? 0)),
    ]),
  ];
  const table = formatTable(
    heads,
    rows,
    rates.map((_, i) => i + 1),
  );
  const shown = rates.at(-1) as RateAccount;
  const notes = shown.otherWays.map(({ name, assumes, lines: own }) => `${name}: ${assumes}.\n${lines(own)}`);
  return `The same by other ways, a month, Kafka not included\n${table}\nTheir arithmetic at ${shown.recordsPerSecond.toLocaleString("en")} records/s\n\n${notes.join("\n")}`;
}
