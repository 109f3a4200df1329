/**
 * Finds the tasks whose logs somebody else goes on with: a redrive from another process. It cannot wake those who run here: what a task wishes since, and
 * what it left unsent where it was killed, is in the log alone. Looking costs one read of a slot per task.
 */

import { toRedriving } from "../runtime/redrive.ts";
import type { TaskReport } from "../runtime/report.ts";
import { type TaskName, toTaskName } from "../runtime/task-name.ts";
import type { StateLog } from "../state-log/state-log.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { placesOf, type TaskPlace } from "./tick.ts";

type Watched = { readonly plan: FunctionPlan; readonly place: TaskPlace; readonly name: TaskName };

export class OtherWriters {
  readonly #application: string;
  readonly #functions: readonly FunctionPlan[];
  readonly #stateLog: StateLog;
  /** The newest entry known here of each task. */
  readonly #known = new Map<string, number>();
  #watched: readonly Watched[] | undefined;

  constructor(application: string, functions: readonly FunctionPlan[], stateLog: StateLog) {
    this.#application = application;
    this.#functions = functions;
    this.#stateLog = stateLog;
  }

  /** An entry of a task that is known here: as it was when this began, or as those who run here report it. */
  note({
    functionName,
    topic,
    partition,
    sequenceNumber,
  }: Pick<TaskReport, "functionName" | "topic" | "partition" | "sequenceNumber">): void {
    this.#know(`${functionName}/${topic}-${partition}`, sequenceNumber);
  }

  /** The tasks with an entry that is not known here; each is told once. */
  async find(): Promise<readonly Omit<Watched, "name">[]> {
    this.#watched ??= await this.#listTasks();
    const found: Watched[] = [];
    for (const watched of this.#watched) {
      const { short, full } = watched.name;
      const known = this.#known.get(short) ?? 0;
      const entry = await this.#stateLog.readSlot(full, known + 1);
      if (entry === undefined || entry.sequenceNumber <= (this.#known.get(short) ?? 0)) continue;
      this.#know(short, entry.sequenceNumber);
      found.push(watched);
    }
    return found;
  }

  #know(task: string, sequenceNumber: number): void {
    this.#known.set(task, Math.max(sequenceNumber, this.#known.get(task) ?? 0));
  }

  async #listTasks(): Promise<Watched[]> {
    const watched: Watched[] = [];
    for (const plan of this.#functions) {
      const generation = plan.commits ? await this.#stateLog.generationOf(plan.name) : 0;
      for (const place of placesOf(plan)) {
        const name = toTaskName(this.#application, plan.name, place.topic, place.partition, generation);
        watched.push({ plan, place, name: toRedriving(plan, name).name });
      }
    }
    return watched;
  }
}
