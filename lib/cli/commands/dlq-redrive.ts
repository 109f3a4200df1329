/** `millrace dlq redrive`: dead letters are processed again, each once. */

import { type Command, Option } from "commander";
import { systemClock } from "../../local/clock.ts";
import { newHost } from "../../local/host.ts";
import {
  type InvokeRedrive,
  invokeHere,
  invokeRepeatedly,
  LetterStates,
  type RedriveSurvey,
  redrive,
  surveyLetters,
} from "../../local/redrive.ts";
import { listOf } from "../../stream/sentence.ts";
import type { RedriveOutcome } from "../../wire/lambda-event.ts";
import { parseCount } from "../arguments.ts";
import {
  type LetterOptions,
  matches,
  type NumberedLetter,
  operatorsOf,
  readDeadLetters,
  withLetterOptions,
} from "../dead-letters.ts";
import { examples } from "../help.ts";
import { openPlace, type Place, type PlaceOptions, placeCommand } from "../place.ts";
import { showCount, showPlural } from "../printable.ts";
import { INTERRUPTED, type Terminal } from "../terminal.ts";
import { type Interrupt, waitForInterrupt } from "../wait.ts";

const SAY_EVERY_MS = 1_000;

type RedriveOptions = PlaceOptions &
  LetterOptions & { readonly limit?: number; readonly dryRun?: true; readonly json?: true };

export function dlqRedriveCommand(terminal: Terminal): Command {
  return withLetterOptions(placeCommand("redrive"))
    .description(
      "Process dead letters again, with the operators as they are now. Each is processed once, however often this is interrupted and repeated, also while `millrace run` runs. What fails again becomes a new dead letter.",
    )
    .addOption(new Option("--limit <n>", "at most so many, the oldest").argParser(parseCount))
    .option("--dry-run", "only say what would be done")
    .addOption(new Option("--json", "the summary as a line of JSON"))
    .addHelpText(
      "after",
      examples([
        ["millrace dlq redrive --dry-run", "what there is to redrive"],
        ["millrace dlq redrive count-words", "all of one operator, when its mistake is mended"],
        ["millrace dlq redrive --reason '/^Unexpected token/' --since 2h", "some of them"],
        ["millrace dlq redrive --deployed shop", "at AWS: invokes the functions that are deployed there"],
      ]),
    )
    .action(async (operator: string | undefined, options: RedriveOptions) => {
      const place = await openPlace(options, terminal, { exclusive: false });
      const interrupt = waitForInterrupt(terminal);
      let impatient = () => {};
      void interrupt.over.then(() => {
        terminal.err("Stopping after this batch; Ctrl-C again stops at once.\n");
        impatient = terminal.onInterrupt(() => terminal.exit(INTERRUPTED));
      });
      try {
        const { application, workspace } = place;
        const { topology } = application;
        const names = operatorsOf(topology, operator, options);
        const chosen = () => chosenOf(place, names, options);
        const states = new LetterStates(topology, workspace.stateLog);
        const survey = await surveyLetters(lettersOf(chosen()), states, options.limit);
        const say = options.json ? terminal.err : terminal.out;
        if (!options.json || options.dryRun !== true)
          for (const line of describeSurvey(survey)) say.call(terminal, `${line}\n`);
        if (options.dryRun === true) {
          if (options.json) terminal.out(`${JSON.stringify(toJson(survey, newTally(), true))}\n`);
          return;
        }
        const tally = newTally();
        try {
          await redriveAll(place, chosen(), survey, tally, terminal, interrupt);
        } catch (error) {
          terminal.err(`${describeTally(tally)} The others wait: repeat the command when this is mended.\n`);
          throw error;
        }
        if (options.json) terminal.out(`${JSON.stringify(toJson(survey, tally, false))}\n`);
        else if (survey.toSend.size > 0) {
          terminal.out(`${describeTally(tally)}\n`);
          for (const [reason, count] of tally.impossible) terminal.out(`${sentenceOf(reason, count)}\n`);
          if (tally.redriven > 0 && place.invoke === undefined)
            terminal.err("`millrace run` goes on with what they lead to.\n");
        }
        if (interrupt.isOver()) {
          terminal.err("Stopped. The others wait: repeat the command to go on.\n");
          terminal.exit(INTERRUPTED);
        }
      } finally {
        interrupt.end();
        impatient();
        await place.workspace.close();
      }
    });
}

async function* chosenOf(
  { application, workspace }: Place,
  operators: readonly string[],
  options: LetterOptions,
): AsyncGenerator<NumberedLetter> {
  for (const name of operators)
    for await (const one of readDeadLetters(workspace.broker, application.topology, name))
      if (matches(one.letter, options)) yield one;
}

async function* lettersOf(chosen: AsyncIterable<NumberedLetter>) {
  for await (const { letter } of chosen) yield letter;
}

/** What became of the letters of this redrive. */
type Tally = {
  redriven: number;
  failedAgain: number;
  /** By somebody else, meanwhile. */
  before: number;
  readonly impossible: Map<string, number>;
};

function newTally(): Tally {
  return { redriven: 0, failedAgain: 0, before: 0, impossible: new Map() };
}

async function redriveAll(
  place: Place,
  chosen: AsyncIterable<NumberedLetter>,
  survey: RedriveSurvey,
  tally: Tally,
  terminal: Terminal,
  interrupt: Interrupt,
): Promise<void> {
  const { topology } = place.application;
  const total = waitingOf(survey);
  let done = 0;
  let saidAtMs = Date.now();
  const toSend = async function* () {
    for await (const { letter, record } of chosen)
      if (survey.toSend.has(letter.id) || survey.toSettle.has(letter.id)) yield record;
  };
  await redrive(toSend(), {
    topology,
    invoke: invokeRepeatedly(place.invoke ?? fromHere(place), {
      clock: systemClock,
      onProblem: (sentence) => terminal.err(`${sentence} It is tried again.\n`),
    }),
    isOver: () => interrupt.isOver(),
    onBatch(outcomes) {
      const own = outcomes.filter(({ id }) => survey.toSend.has(id));
      for (const outcome of own) count(tally, outcome);
      done += own.length;
      if (Date.now() - saidAtMs < SAY_EVERY_MS || done >= total) return;
      saidAtMs = Date.now();
      terminal.err(`${showCount(done)} of ${showPlural(total, "dead letter")} …\n`);
    },
  });
}

/** With the functions of an application that is not deployed, in this process. */
function fromHere({ application: { topology, operators }, workspace }: Place): InvokeRedrive {
  const host = newHost({
    topology,
    broker: workspace.broker,
    stateLog: workspace.stateLog,
    ...(workspace.tables !== undefined && { tables: workspace.tables }),
    now: Date.now,
    // The wish stands in the log, where whoever runs the function finds it.
    wake: () => {},
    report: () => {},
  });
  return invokeHere({ operators, hostOf: () => host, clock: systemClock });
}

function count(tally: Tally, { outcome, reason }: RedriveOutcome): void {
  if (outcome === "redriven") tally.redriven += 1;
  else if (outcome === "failed-again") tally.failedAgain += 1;
  else if (outcome !== "impossible") tally.before += 1;
  else tally.impossible.set(reason as string, (tally.impossible.get(reason as string) ?? 0) + 1);
}

function waitingOf({ waiting }: RedriveSurvey): number {
  return [...waiting.values()].reduce((sum, n) => sum + n, 0);
}

function describeSurvey(survey: RedriveSurvey): string[] {
  const total = waitingOf(survey);
  const functions = [...survey.waiting].map(([name, n]) => `${showCount(n)} of ${name}`);
  const lines = [
    total === 0
      ? "No dead letters wait to be redriven."
      : `To redrive: ${showPlural(total, "dead letter")}, ${listOf(functions)}.`,
  ];
  if (survey.before > 0) lines.push(`Redriven before: ${showCount(survey.before)}.`);
  for (const [reason, n] of survey.impossible) lines.push(sentenceOf(reason, n));
  return lines;
}

function sentenceOf(reason: string, count: number): string {
  return `Not possible: ${showPlural(count, "dead letter")}, for ${reason}.`;
}

function describeTally({ redriven, failedAgain, before }: Tally): string {
  const again = failedAgain === 0 ? "" : ` Failed again, as new dead letters: ${showCount(failedAgain)}.`;
  const others = before === 0 ? "" : ` By another redrive meanwhile: ${showCount(before)}.`;
  return `Redriven: ${showCount(redriven)}.${again}${others}`;
}

function toJson(survey: RedriveSurvey, tally: Tally, dryRun: boolean): object {
  const impossible = new Map(survey.impossible);
  for (const [reason, n] of tally.impossible) impossible.set(reason, (impossible.get(reason) ?? 0) + n);
  return {
    ...(dryRun && { toRedrive: waitingOf(survey) }),
    redriven: tally.redriven,
    failedAgain: tally.failedAgain,
    redrivenBefore: survey.before + tally.before,
    impossible: [...impossible].map(([reason, letters]) => ({ reason, letters })),
  };
}
