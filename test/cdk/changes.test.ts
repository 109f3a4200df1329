/** Two versions of an application in a stack: what stays where it is in the templates, and what the second would change of what the first keeps. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Template } from "aws-cdk-lib/assertions";
import { minutes, type Operator, operator, stream, text, topic, tumbling } from "millrace";
import type { MillraceAppProps } from "millrace/cdk";
import { afterEach, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { TestTerminal } from "../cli/test-terminal.ts";
import { copy, count, counts, existingMsk, lines, newApp, newStack, resourcesOf, shop, total } from "./synthesize.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** The folder of what is synthesized of these operators. */
function synthesize(operators: readonly Operator[], props: Partial<MillraceAppProps> = {}): string {
  const app = newApp();
  const stack = newStack("Shop", app);
  shop(stack, { operators, split: "per-operator", kafka: props.kafka ?? existingMsk(stack), ...props });
  const folder = mkdtempSync(join(tmpdir(), "millrace-changes-"));
  folders.push(folder);
  cpSync(app.synth().directory, folder, { recursive: true });
  return folder;
}

async function changes(...args: readonly string[]): Promise<{ code: number; terminal: TestTerminal }> {
  const terminal = new TestTerminal("/");
  return { code: await main(["changes", ...args], terminal), terminal };
}

/** Counts in windows of other minutes. */
const countIn = (size: number, name = "count") =>
  operator(
    name,
    stream(lines)
      .keyBy((line) => line)
      .window(tumbling(minutes(size)))
      .count()
      .to(counts.from(({ value }) => value)),
  );

test("what was not changed is not refused, and no logical id of it moves: other files, other operators, another order", async () => {
  const before = synthesize([count, total]);
  const moved = countIn(1);
  Object.assign(moved.definition, { file: "/elsewhere/count.ts", line: 99 });
  const after = synthesize([copy, total, moved]);
  const { code, terminal } = await changes("--before", before, "--out", after);
  expect({ code, output: terminal.output }).toEqual({
    code: 0,
    output: `shop:\n  Operator "copy" is new: it begins with what its topics hold, or with what comes where they say "latest".\n`,
  });
  const idsIn = (folder: string) =>
    Object.keys(JSON.parse(readFileSync(join(folder, "Shop.template.json"), "utf8")).Resources);
  expect(idsIn(after)).toEqual(expect.arrayContaining(idsIn(before)));
});

test("a dangerous change is shown with its id, ends with 1, and with 0 where it is confirmed in the code or by the context", async () => {
  const before = synthesize([count]);
  const refused = await changes("--before", before, "--out", synthesize([countIn(2)]));
  expect(refused.code).toBe(1);
  expect(refused.terminal.output).toMatch(
    /^shop:\n {2}dangerous: count--by-key\/by-key\/window keeps tumbling of 60000 ms .*\n {2}What is meant is confirmed by confirm: \["count--by-key\/by-key\/window@\w+"\] in MillraceApp\.\n$/,
  );
  const [id = ""] = /count--by-key\/by-key\/window@\w+/.exec(refused.terminal.output) ?? [];
  const confirmed = await changes("--before", before, "--out", synthesize([countIn(2)], { confirm: [id] }));
  expect(confirmed.code).toBe(0);
  expect(confirmed.terminal.output).toContain("  confirmed: count--by-key/by-key/window keeps");
  const stack = newStack();
  stack.node.setContext("millrace:confirm", `other@1,${id}`);
  shop(stack, { operators: [countIn(2)] });
  const [{ confirmed: inTemplate } = {}] = resourcesOf(Template.fromStack(stack), "Custom::MillraceVersion");
  expect(JSON.parse(inTemplate as string)).toEqual(["other@1", id]);
});

test("what is deployed is read from its template too, as CloudFormation gives it", async () => {
  const before = synthesize([count]);
  const template = readFileSync(join(before, "Shop.template.json"), "utf8");
  const file = join(before, "deployed.json");
  writeFileSync(file, JSON.stringify({ TemplateBody: JSON.parse(template), StagesAvailable: ["Original"] }));
  const json = await changes("--before", file, "--out", synthesize([countIn(1, "counting")]), "--json");
  expect(json.code).toBe(1);
  expect(JSON.parse(json.terminal.output)).toMatchObject([
    {
      application: "shop",
      changes: [
        { kind: "dangerous", refused: true, says: expect.stringContaining('Operator "count" would be gone.') },
        { kind: "said", refused: false },
      ],
    },
  ]);
  const terminal = new TestTerminal("/", template);
  expect(await main(["changes", "--before", "-", "--out", synthesize([count])], terminal)).toBe(0);
  expect(terminal.output).toBe("shop: nothing changes of what is kept.\n");
});

test("what is no template, has no application, or another one is said", async () => {
  const out = synthesize([count]);
  const file = join(out, "empty.json");
  const said = async (text: string | undefined, before = file) => {
    if (text !== undefined) writeFileSync(file, text);
    const { code, terminal } = await changes("--before", before, "--out", out);
    return `${code} ${terminal.errors}`;
  };
  expect(await said("no")).toContain(`2 There is no template in ${file}`);
  expect(await said("{}")).toContain(`2 There is no application of Millrace in ${file}`);
  expect(await said(undefined, "/nowhere.json")).toContain("2 /nowhere.json cannot be read");
});

test("everything of the application that could do harm waits for the check, which may do nothing but write its log", () => {
  const stack = newStack();
  shop(stack, { kafka: existingMsk(stack), operators: [count, total] });
  const template = Template.fromStack(stack);
  const [check] = Object.keys(template.findResources("Custom::MillraceVersion"));
  const waiting = Object.entries(template.toJSON().Resources as Record<string, { Type: string; DependsOn?: string[] }>);
  for (const [id, { Type, DependsOn = [] }] of waiting)
    if (["AWS::Lambda::EventSourceMapping", "Custom::MillraceTopics"].includes(Type) || /count|total/.test(id))
      expect([id, DependsOn.includes(check as string)]).toEqual([id, true]);
  const policies = resourcesOf(template, "AWS::IAM::Policy").filter(({ PolicyName }) =>
    String(PolicyName).includes("Version"),
  );
  expect(policies.map(({ PolicyDocument }) => PolicyDocument)).toMatchObject([
    { Statement: [{ Action: ["logs:CreateLogStream", "logs:PutLogEvents"] }] },
  ]);
});

test("a split that was decided is not undone", async () => {
  const { code, terminal } = await changes(
    "--before",
    synthesize([count]),
    "--out",
    synthesize([count], { split: "together" }),
  );
  expect(code).toBe(1);
  expect(terminal.output).toContain(
    "impossible: Functions would move from a nested stack for each operator to the stack itself",
  );
  expect(terminal.output).not.toContain("confirm");
});

test("topics that CloudFormation knew are no part of a version: only names and partitions are", () => {
  const stack = newStack();
  const elsewhere = topic("elsewhere", { value: text(), external: true, partitions: 5 });
  shop(stack, { operators: [operator("copy", stream(lines).to(elsewhere))] });
  const [{ version } = {}] = resourcesOf(Template.fromStack(stack), "Custom::MillraceVersion");
  expect(JSON.parse(version as string).topics).toEqual({
    lines: { partitions: 4, kind: "declared", external: false },
    elsewhere: { partitions: 5, kind: "declared", external: true },
    "copy--dead-letters": { partitions: 1, kind: "dead-letter", external: false },
  });
});
