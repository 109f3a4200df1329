/** Turns the reports of tasks into a line per function now and then. */

import type { TaskReport } from "../runtime/report.ts";
import { showPlural, showTime } from "./printable.ts";

type Since = {
  records: number;
  outputs: number;
  windowsClosed: number;
  late: number;
  deadLetters: number;
  duplicates: number;
  readonly watermarks: Map<string, number>;
};

export class RunLog {
  readonly #byFunction = new Map<string, Since>();
  /** What authors logged. */
  #logged: string[] = [];

  add(report: TaskReport): void {
    let since = this.#byFunction.get(report.functionName);
    if (since === undefined) {
      since = {
        records: 0,
        outputs: 0,
        windowsClosed: 0,
        late: 0,
        deadLetters: 0,
        duplicates: 0,
        watermarks: new Map(),
      };
      this.#byFunction.set(report.functionName, since);
    }
    since.records += report.records;
    since.outputs += report.outputs;
    since.windowsClosed += report.windowsClosed;
    since.late += report.late;
    since.deadLetters += report.deadLetters;
    since.duplicates += report.duplicates;
    since.watermarks.set(`${report.topic}-${report.partition}`, report.watermarkMs);
    for (const { level, message, fields } of report.logs) {
      const more = fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
      this.#logged.push(`${report.functionName}: ${level}: ${message}${more}`);
    }
  }

  /** A line for each function that did something since the last call, and whatever authors logged. */
  takeLines(): readonly string[] {
    const lines = this.#logged;
    this.#logged = [];
    for (const [name, since] of this.#byFunction) {
      const { records, outputs, windowsClosed, late, deadLetters, duplicates, watermarks } = since;
      if (records === 0 && outputs === 0 && windowsClosed === 0) continue;
      const watermarkMs = Math.min(...watermarks.values());
      const parts = [
        showPlural(records, "record"),
        showPlural(outputs, "output"),
        ...(windowsClosed > 0 ? [`${showPlural(windowsClosed, "window")} closed`] : []),
        ...(late > 0 ? [`${late} late`] : []),
        ...(duplicates > 0 ? [`${showPlural(duplicates, "repeat")} dropped`] : []),
        ...(deadLetters > 0 ? [`${showPlural(deadLetters, "dead letter")}`] : []),
        ...(Number.isFinite(watermarkMs) ? [`watermark ${showTime(watermarkMs)}`] : []),
      ];
      lines.push(`${name}: ${parts.join(", ")}`);
      Object.assign(since, { records: 0, outputs: 0, windowsClosed: 0, late: 0, deadLetters: 0, duplicates: 0 });
    }
    return lines;
  }
}
