/** The code of an application's functions as assets: bundled together when the first is asked for, copied into the assembly by the CDK. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { Stack, Stage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { type IConstruct, Node } from "constructs";
import { type BundleRequest, bundleInto } from "./bundle.ts";

/** Of functions whose stack the CDK was not asked to bundle, as for `cdk list`. */
const NOT_BUNDLED = "// Not bundled: nobody deploys this.";

export class AppCode {
  readonly #scope: IConstruct;
  readonly #requests: readonly BundleRequest[];
  readonly #unused: readonly string[];
  #folder: string | undefined;

  constructor(scope: IConstruct, requests: readonly BundleRequest[], unused: readonly string[]) {
    this.#scope = scope;
    this.#requests = requests;
    this.#unused = unused;
  }

  of(name: string): Code {
    if (!Stack.of(this.#scope).bundlingRequired) return Code.fromInline(NOT_BUNDLED);
    if (this.#folder === undefined) {
      // Below the assembly, so that the paths in source maps are those of the project and not of the machine.
      this.#folder = join(Stage.of(this.#scope)!.assetOutdir, `millrace-${Node.of(this.#scope).addr}`);
      bundleInto(this.#folder, this.#requests, this.#unused);
    }
    return Code.fromAsset(join(this.#folder, name));
  }

  /** The CDK has its copies. */
  discard(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
