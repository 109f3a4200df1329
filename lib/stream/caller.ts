/** Where a function was called, read from the stack: how an operator knows its file and line. */

export type SourceLocation = {
  /** An absolute path; "" where the stack does not tell. */
  readonly file: string;
  readonly line: number;
};

/** Where nobody looks. */
export const NOWHERE: SourceLocation = { file: "", line: 0 };

/**
 * The place from which `callee` was called, given that `callee` is running and has called this. Frames above `callee` are left out by the
 * engine itself, so that it does not matter where the package lies or whether it was bundled.
 */
export function callerOf(callee: (...args: never[]) => unknown): SourceLocation {
  const holder: { stack?: unknown } = {};
  const limit = Error.stackTraceLimit;
  // A process that has turned stacks off for speed still wants to know its operators.
  Error.stackTraceLimit = Math.max(limit, STACK_FRAMES_MIN);
  Error.captureStackTrace(holder, callee);
  const { stack } = holder;
  Error.stackTraceLimit = limit;
  return typeof stack === "string" ? firstLocation(stack) : NOWHERE;
}

const STACK_FRAMES_MIN = 10;

/** `    at name (place:line:column)` */
const NAMED_FRAME = /^\s*at .*? \((.+):(\d+):\d+\)$/;
/** `    at place:line:column` */
const BARE_FRAME = /^\s*at (?:async )?(.+):(\d+):\d+$/;

/** The first place in a V8 stack that is a file of somebody's, not of Node's. */
export function firstLocation(stack: string): SourceLocation {
  for (const frame of stack.split("\n")) {
    const match = (frame.endsWith(")") ? NAMED_FRAME : BARE_FRAME).exec(frame);
    const where = match?.[1];
    if (where === undefined || where.includes("<anonymous>") || where.startsWith("node:")) continue;
    return { file: toPath(where), line: Number(match![2]) };
  }
  return NOWHERE;
}

/** A path from what a stack shows: a file URL (perhaps with a query that defeats a cache), or a path as it is. */
function toPath(where: string): string {
  if (!where.startsWith("file:")) return where;
  const { pathname } = new URL(where);
  return decodeURIComponent(pathname).replace(/^\/(?=[A-Za-z]:\/)/, "");
}
