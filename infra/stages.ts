/** The stages of this repository's application, and in what they differ. */

/** What a stage says; everything else is the same in all of them. */
export type Stage = {
  readonly name: "local" | "dev" | "prod";
  /** The cheapest brokers, those that AWS recommends, or one here beside an emulator of AWS. `npx millrace cost` says what each costs. */
  readonly kafka: "small" | "provisioned" | "emulated";
  /** Whether state, and a cluster with its topics, outlive the stack. */
  readonly keepData: boolean;
};

const STAGES: Readonly<Record<Stage["name"], Stage>> = {
  local: { name: "local", kafka: "emulated", keepData: false },
  dev: { name: "dev", kafka: "small", keepData: false },
  prod: { name: "prod", kafka: "provisioned", keepData: true },
};

/** The stage of this name. Throws for one that there is not. */
export function stageOf(name: unknown): Stage {
  if (typeof name === "string" && name in STAGES) return STAGES[name as Stage["name"]];
  throw new Error(
    `There is no stage ${JSON.stringify(name)}; there are ${Object.keys(STAGES).join(", ")}: cdk synth -c stage=dev.`,
  );
}
