/** What a benchmark reports. */

export type Row = {
  readonly what: string;
  /** With its unit, for people. */
  readonly figure: string;
  /** The bare number, for machines. */
  readonly value: number;
  readonly unit: string;
  /** As many times as fast as the loop or count it stands beside, or as much; undefined where it is that itself, or stands alone. */
  readonly ratio?: number;
  /** What the ratio, or else the value, should reach. */
  readonly target?: string;
};

export type Section = { readonly title: string; readonly rows: readonly Row[] };

/** Says how far a long measurement is. */
export type ProgressOf = (title: string) => (done: number, of: number) => void;
