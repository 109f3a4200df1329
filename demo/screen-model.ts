/** What the screen shows, as lines of styled segments: a pure function of the progress. */

import type { FaultCounts } from "../lib/simulation/faults.ts";
import type { Progress } from "./progress.ts";
import type { ProgressView } from "./screen.ts";

export type Style = "dim" | "cyan" | "green";
export type Segment = { readonly text: string; readonly style?: Style };
export type ScreenLine = readonly Segment[];

const BAR_WIDTH_MAX = 40;
const WORD_WIDTH_MIN = 10;
const WORD_WIDTH_MAX = 18;
const LABEL_WIDTH = 12;
/** What stands left and right of a bar of a word: margin, space, count. */
const AROUND_BAR = 12;

/** The lines of the screen, none wider than `columns`. */
export function showProgress(progress: Progress, columns: number): readonly ScreenLine[] {
  const lines: ScreenLine[] = [
    [],
    ...showPhase(progress, columns),
    label("watermark", formatTime(progress.watermarkMs)),
    label("windows", `${formatCount(progress.windowsClosed)} closed, ${formatCount(progress.results)} results`),
  ];
  if (progress.injected !== undefined) lines.push(label("injected", describeInjected(progress.injected)));
  lines.push(...showNewestWindow(progress, columns));
  return lines.map((line) => truncate(line, columns));
}

/** What the screen of the word count shows. */
export const WORD_COUNT_VIEW: ProgressView<Progress> = { toLines: showProgress, toSentence: describeProgress };

/** The progress as one line, where there is no terminal. */
function describeProgress(progress: Progress): string {
  const done = `${formatCount(progress.linesDone)} of ${formatCount(progress.lines)} lines`;
  if (progress.phase === "writing") return `Written: ${done}.`;
  const injected = progress.injected === undefined ? "" : `, injected: ${describeInjected(progress.injected)}`;
  return `Counted: ${done}, ${formatCount(progress.linesPerSecond)} records/s, ${formatCount(progress.windowsClosed)} windows closed, watermark ${formatTime(progress.watermarkMs)}${injected}.`;
}

function showPhase(progress: Progress, columns: number): readonly ScreenLine[] {
  const share = progress.lines === 0 ? 1 : progress.linesDone / progress.lines;
  const rate = progress.phase === "writing" ? "" : `, ${formatCount(progress.linesPerSecond)} records/s`;
  return [
    showShare(progress.phase, share, columns),
    label("lines", `${formatCount(progress.linesDone)} of ${formatCount(progress.lines)}${rate}`),
  ];
}

function showNewestWindow({ newestWindow }: Progress, columns: number): readonly ScreenLine[] {
  if (newestWindow === undefined) return [];
  const { startMs, endMs, top } = newestWindow;
  const most = Math.max(1, ...top.map(([, count]) => count));
  const wordWidth = Math.min(WORD_WIDTH_MAX, Math.max(...top.map(([word]) => word.length), WORD_WIDTH_MIN));
  const width = Math.max(1, Math.min(BAR_WIDTH_MAX, columns - wordWidth - AROUND_BAR));
  return [
    [],
    [
      { text: "  newest window ", style: "dim" },
      { text: `${formatTime(startMs).slice(11, 19)} – ${formatTime(endMs).slice(11, 19)}` },
    ],
    ...top.map(([word, count]): ScreenLine => {
      const bar = drawBar(count / most, width);
      return [
        { text: `  ${shorten(word, wordWidth).padEnd(wordWidth)} ` },
        { text: bar === "" ? "▏" : bar, style: "green" },
        { text: ` ${formatCount(count)}` },
      ];
    }),
  ];
}

/** How much of something is done: a name, a bar and percents. */
export function showShare(name: string, share: number, columns: number): ScreenLine {
  const shown = Math.min(1, share);
  const width = Math.max(0, Math.min(BAR_WIDTH_MAX, columns - LABEL_WIDTH - 9));
  return [
    { text: `  ${name}`.padEnd(LABEL_WIDTH), style: "dim" },
    { text: drawBar(shown, width), style: "cyan" },
    { text: drawRest(shown, width), style: "dim" },
    { text: `${Math.floor(shown * 100)} %`.padStart(6) },
  ];
}

export function label(name: string, text: string): ScreenLine {
  return [{ text: `  ${name}`.padEnd(LABEL_WIDTH), style: "dim" }, { text }];
}

/** Cuts a line, so that no terminal wraps it. */
export function truncate(line: ScreenLine, columns: number): ScreenLine {
  const cut: Segment[] = [];
  let left = columns;
  for (const segment of line) {
    if (left <= 0) break;
    cut.push(segment.text.length <= left ? segment : { ...segment, text: segment.text.slice(0, left) });
    left -= segment.text.length;
  }
  return cut;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

function drawBar(share: number, width: number): string {
  const eighths = Math.round(share * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

function drawRest(share: number, width: number): string {
  return "·".repeat(Math.max(0, width - Math.ceil(Math.round(share * width * 8) / 8)));
}

function shorten(word: string, width: number): string {
  return word.length <= width ? word : `${word.slice(0, width - 1)}…`;
}

/** 12,345 */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** "2 crashes", "1 line", "1,000 lines" */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** UTC; an en dash where there is none yet. */
export function formatTime(epochMs: number | undefined): string {
  if (epochMs === undefined || !Number.isFinite(epochMs)) return "–";
  return new Date(epochMs).toISOString().replace("T", " ").replace("Z", "");
}

const INJECTED: readonly (readonly [kind: keyof FaultCounts, one: string, many: string])[] = [
  ["crashes", "crash", "crashes"],
  ["timeouts", "time-out", "time-outs"],
  ["delays", "zombie", "zombies"],
  ["lostReplies", "lost reply", "lost replies"],
  ["duplicates", "duplicate", "duplicates"],
  ["splits", "split batch", "split batches"],
];

/** "12 crashes, 1 time-out" */
export function describeInjected(counts: Readonly<FaultCounts>): string {
  const shown = INJECTED.filter(([kind]) => counts[kind] > 0);
  if (shown.length === 0) return "nothing yet";
  return shown.map(([kind, one, many]) => formatPlural(counts[kind], one, many)).join(", ");
}
