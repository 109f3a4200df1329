/** Blocks of the protocol's files that a simulated run does not reach, each with the reason. Every other one must be run. */

export type UnreachedBlock = {
  readonly file: string;
  /** How the block begins. */
  readonly text: string;
  readonly why: string;
};

export const NOT_REACHED: readonly UnreachedBlock[] = [];
