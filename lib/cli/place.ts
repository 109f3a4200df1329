/** Where a command works: the folder of the application, and the folder of its state. */

import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Command, Option } from "commander";
import { type Application, loadApplication } from "../local/application.ts";
import type { InvokeRedrive } from "../local/redrive.ts";
import { openServices } from "../local/services.ts";
import { hasWorkspace, openWorkspace, type Workspace } from "../local/workspace.ts";
import { MillraceError } from "../stream/error.ts";
import { listOf } from "../stream/sentence.ts";
import type { Terminal } from "./terminal.ts";

export type PlaceOptions = {
  readonly app?: string;
  readonly state?: string;
  readonly services?: true;
  readonly kafka?: string;
  readonly kafkaSettings?: string;
  readonly dynamodb?: string;
  readonly profile?: string;
  readonly snapshots?: string;
  readonly s3Endpoint?: string;
  readonly deployed?: string;
  readonly endpoint?: string;
};

const STATE_FOLDER = ".millrace";

export function appOption(): Option {
  return new Option(
    "--app <folder>",
    "the folder of the application, which holds functions/ (default: the current one)",
  );
}

function stateOption(): Option {
  return new Option("--state <folder>", "the folder of the state (default: .millrace in the application's)");
}

/** TLS and logins are not for the command line, which others on the machine can read. */
export function kafkaSettingsOption(): Option {
  return new Option(
    "--kafka-settings <file>",
    "Kafka's addresses, TLS and login in JSON; MILLRACE_KAFKA_… variables say the same (see docs/kafka.md)",
  );
}

/** A command that works on an application with its state: in a folder; on servers, which any option asks for that names one; or deployed. */
export function placeCommand(name: string): Command {
  return new Command(name)
    .addOption(appOption())
    .addOption(stateOption())
    .option("--services", "on Apache Kafka and DynamoDB instead of a folder: those of `npm run services`")
    .option("--kafka <servers>", "on this Kafka: host:port, separated by commas")
    .addOption(kafkaSettingsOption())
    .option("--dynamodb <address>", 'on this DynamoDB: its address, or "aws"')
    .option("--profile <name>", "with the credentials of this AWS profile")
    .option("--snapshots <place>", "large chunks of DynamoDB's state in s3://bucket/prefix, or in a folder")
    .option("--s3-endpoint <address>", "on this server instead of AWS's S3")
    .addOption(
      new Option(
        "--deployed <application>",
        "on what is deployed under this name, at AWS or in an emulator: its state, and its topics as far as Kafka can be reached from here",
      ).conflicts(["state", "services", "dynamodb", "snapshots", "s3Endpoint"]),
    )
    .addOption(
      new Option("--endpoint <address>", "with --deployed: the emulator's (default: AWS_ENDPOINT_URL, or AWS)"),
    );
}

/** Whether the options name servers instead of a folder. */
export function isOnServices({ services, ...options }: PlaceOptions): boolean {
  const { kafka, kafkaSettings, dynamodb, profile, snapshots, s3Endpoint } = options;
  const named = [kafka, kafkaSettings, dynamodb, profile, snapshots, s3Endpoint];
  return services === true || named.some((value) => value !== undefined);
}

/** The options as another process of this command line takes them. */
export function toArguments({ services, kafkaSettings, s3Endpoint, ...options }: PlaceOptions): string[] {
  const { app, state, kafka, dynamodb, profile, snapshots } = options;
  const dashed = { "kafka-settings": kafkaSettings, "s3-endpoint": s3Endpoint };
  const named = Object.entries({ app, state, kafka, dynamodb, profile, snapshots, ...dashed });
  const values = named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
  return services === true ? ["--services", ...values] : values;
}

export function toAppFolder(options: PlaceOptions, terminal: Terminal): string {
  return resolve(terminal.folder, options.app ?? ".");
}

export function toStateFolder(options: PlaceOptions, terminal: Terminal): string {
  return options.state === undefined
    ? join(toAppFolder(options, terminal), STATE_FOLDER)
    : resolve(terminal.folder, options.state);
}

/** The folder as a person would write it here. */
function toShown(folder: string, terminal: Terminal): string {
  const path = relative(terminal.folder, folder);
  return path === "" ? "." : path.startsWith("..") ? folder : path;
}

/** An application with its state, made where there is none yet. */
export type Place = {
  readonly application: Application;
  readonly workspace: Workspace;
  readonly stateFolder: string;
  /** Where the application is deployed: invokes its functions where they are. */
  readonly invoke?: InvokeRedrive;
};

/** For commands that change something. */
export async function openPlace(
  options: PlaceOptions,
  terminal: Terminal,
  { exclusive }: { readonly exclusive: boolean },
): Promise<Place> {
  const application = await loadApplication(toAppFolder(options, terminal), options.deployed);
  if (options.deployed !== undefined) {
    if (exclusive)
      throw new MillraceError(
        "usage",
        "What is deployed is run by Lambda and by its mappings, which nobody can hold off from here: this is for applications that run here.",
      );
    const { openDeployed } = await import("./deployed.ts");
    const opened = await openDeployed(application, { ...options, folder: terminal.folder });
    return { application, ...opened, stateFolder: "DynamoDB" };
  }
  if (isOnServices(options)) {
    const workspace = await openServices(application, { ...options, folder: terminal.folder });
    return { application, workspace, stateFolder: "DynamoDB" };
  }
  const folder = toStateFolder(options, terminal);
  const workspace = await openWorkspace(application, { folder, exclusive });
  return { application, workspace, stateFolder: toShown(folder, terminal) };
}

/** For commands that only look: state must be there, the application need not. */
export async function openToLook(
  options: PlaceOptions,
  terminal: Terminal,
): Promise<{ readonly application: Application | undefined; readonly workspace: Workspace }> {
  if (isOnServices(options) || options.deployed !== undefined)
    return openPlace(options, terminal, { exclusive: false });
  const appFolder = toAppFolder(options, terminal);
  const isApplication = options.app !== undefined || existsSync(join(appFolder, "functions"));
  const application = isApplication ? await loadApplication(appFolder) : undefined;
  const folder = findState(options, terminal);
  return { application, workspace: await openWorkspace(undefined, { folder, exclusive: false }) };
}

/** The folder that was named, or the default one; where that is empty, the only one below it, which is said. */
function findState(options: PlaceOptions, terminal: Terminal): string {
  const folder = toStateFolder(options, terminal);
  if (hasWorkspace(folder)) return folder;
  const below = foldersIn(folder).filter(hasWorkspace);
  const shown = toShown(folder, terminal);
  if (below.length > 1) {
    const names = listOf(below.map((path) => toShown(path, terminal)));
    throw new MillraceError("usage", `There is no state in ${shown} itself, but in ${names}: name one with --state.`);
  }
  const [only] = below;
  if (only === undefined)
    throw new MillraceError(
      "usage",
      `There is no state in ${shown}. \`millrace run\` makes it, or name another folder with --state.`,
    );
  terminal.err(`Looking at ${toShown(only, terminal)}.\n`);
  return only;
}

function foldersIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}
