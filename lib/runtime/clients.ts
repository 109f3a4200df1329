/**
 * The clients of one execution environment: each opened once, when it is first used, from the settings and secrets that its declaration names; opened again
 * where opening threw.
 */

import { MillraceError } from "../stream/error.ts";
import { clientOf, type Node, type SinkNode } from "../stream/node.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { type ClientSpec, type Secret, type Setting, usesOf } from "../stream/settings.ts";
import type { Host } from "./host.ts";
import { machineSettings, type SettingsSource } from "./settings-source.ts";

/** An `open` that takes longer has failed. */
const OPEN_MS_MAX = 30_000;

export class Clients {
  readonly #source: SettingsSource;
  readonly #after: NonNullable<Host["after"]>;
  /** What was read, by kind and name. */
  readonly #values = new Map<string, Promise<string | undefined>>();
  readonly #clients = new Map<ClientSpec, Promise<unknown>>();

  constructor(source: SettingsSource, after: NonNullable<Host["after"]>) {
    this.#source = source;
    this.#after = after;
  }

  /** Reads all that a function declares. Throws a MillraceError "setting-missing" that names what is not there, before anything is processed. */
  async demand(functionName: string, uses: readonly (Setting | Secret)[]): Promise<void> {
    const missing: string[] = [];
    for (const use of uses) if ((await this.#valueOf(use)) === undefined) missing.push(this.#sentenceFor(use));
    if (missing.length === 0) return;
    throw new MillraceError(
      "setting-missing",
      `Function ${functionName} cannot begin: ${missing.join("; ")}. Nothing was processed.`,
    );
  }

  /**
   * The client that `spec.open` gives; undefined where there is no `open`. Throws where it throws or takes too long, and then the next call opens anew,
   * with secrets that are read again.
   */
  open(spec: ClientSpec, what: string): Promise<unknown> {
    let client = this.#clients.get(spec);
    if (client === undefined) {
      client = this.#opened(spec, what);
      this.#clients.set(spec, client);
      client.catch(() => {
        this.#clients.delete(spec);
        for (const use of usesOf([spec])) this.#values.delete(nameOf(use));
      });
    }
    return client;
  }

  async #opened({ uses, open }: ClientSpec, what: string): Promise<unknown> {
    if (open === undefined) return undefined;
    const values: Record<string, string> = {};
    for (const [name, use] of Object.entries(uses)) {
      const value = await this.#valueOf(use);
      if (value === undefined)
        throw new MillraceError("setting-missing", `${what} cannot be opened: ${this.#sentenceFor(use)}.`);
      values[name] = value;
    }
    let cancel = () => {};
    const tooLong = new Promise<never>((_resolve, reject) => {
      cancel = this.#after(OPEN_MS_MAX, () => reject(new Error(`it took longer than ${OPEN_MS_MAX / 1_000} s`)));
    });
    try {
      return await Promise.race([open(values), tooLong]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new MillraceError("author", `${what} could not be opened: ${message}`, { cause: error });
    } finally {
      cancel();
    }
  }

  #valueOf(use: Setting | Secret): Promise<string | undefined> {
    const name = nameOf(use);
    let value = this.#values.get(name);
    if (value === undefined) {
      value = use.kind === "setting" ? Promise.resolve(this.#source.setting(use.name)) : this.#source.secret(use.name);
      this.#values.set(name, value);
      // What is missing may be there the next time.
      value.then(
        (found) => found ?? this.#values.delete(name),
        () => this.#values.delete(name),
      );
    }
    return value;
  }

  #sentenceFor({ kind, name }: Setting | Secret): string {
    return kind === "setting"
      ? `the setting ${name} is missing; set the environment variable of this name`
      : `the secret ${name} is missing; ${this.#source.placeOf(name)}`;
  }
}

function nameOf({ kind, name }: Setting | Secret): string {
  return `${kind} ${name}`;
}

/** What a function needs before it can begin: all it declares, but for what is replaced. */
export function neededBy({ nodes }: FunctionPlan, host: Host): readonly (Setting | Secret)[] {
  const isReplaced = (node: Node | SinkNode) =>
    node.kind === "sink"
      ? node.target.kind === "outside" && host.writeInstead?.(node.target.sink) !== undefined
      : node.kind === "mapAsync" && host.replaced?.has(node.spec) === true;
  return usesOf(nodes.flatMap((node) => (isReplaced(node) ? [] : (clientOf(node) ?? []))));
}

const clients = new WeakMap<Host, Clients>();

/** The clients of a host. */
export function clientsOf(host: Host): Clients {
  let own = clients.get(host);
  if (own === undefined) {
    own = new Clients(host.settings ?? machineSettings(process.env), host.after ?? afterOnMachine);
    clients.set(host, own);
  }
  return own;
}

/** A timer of this machine. */
export function afterOnMachine(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
