/** Clients of an environment: opened once, lazily, from declared settings and secrets, and anew where opening threw. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secret, setting } from "millrace";
import { describe, expect, test } from "vitest";
import { afterOnMachine, Clients } from "../../lib/runtime/clients.ts";
import { machineSettings, secretVariable } from "../../lib/runtime/settings-source.ts";
import { toClientSpec, usesOf } from "../../lib/stream/settings.ts";

const uses = { api: setting("CUSTOMER_API"), key: secret("shop/customer-key") };
const environment = { CUSTOMER_API: "http://here", MILLRACE_SECRET_SHOP_CUSTOMER_KEY: "hush" };
const clientsIn = (variables: Record<string, string | undefined>) =>
  new Clients(machineSettings(variables), afterOnMachine);

describe("open", () => {
  test("is called once, when the client is first used, with the values", async () => {
    const opened: unknown[] = [];
    const spec = toClientSpec("mapAsync", { uses, open: (values: unknown) => opened.push(values) });
    const clients = clientsIn(environment);
    await clients.demand("f", usesOf([spec]));
    expect(opened).toEqual([]);
    expect(await Promise.all([clients.open(spec, "mapAsync"), clients.open(spec, "mapAsync")])).toEqual([1, 1]);
    expect(opened).toEqual([{ api: "http://here", key: "hush" }]);
  });

  test("is called again after it threw, with secrets that are read again", async () => {
    const variables: Record<string, string | undefined> = { ...environment };
    const keys: string[] = [];
    const spec = toClientSpec("mapAsync customers", {
      uses,
      open: async ({ key }: { key: string }) => {
        keys.push(key);
        if (key === "hush") throw new Error("wrong key");
        return key;
      },
    });
    const clients = clientsIn(variables);
    await expect(clients.open(spec, "mapAsync customers")).rejects.toThrow(
      "mapAsync customers could not be opened: wrong key",
    );
    variables.MILLRACE_SECRET_SHOP_CUSTOMER_KEY = "hush 2";
    expect(await clients.open(spec, "mapAsync customers")).toBe("hush 2");
    expect(keys).toEqual(["hush", "hush 2"]);
  });

  test("that never ends has failed", async () => {
    const spec = toClientSpec("sink", { open: () => new Promise(() => {}) });
    const clients = new Clients(machineSettings({}), (_ms, work) => {
      const timer = setTimeout(work, 1);
      return () => clearTimeout(timer);
    });
    await expect(clients.open(spec, "sink")).rejects.toThrow("sink could not be opened: it took longer than 30 s");
  });

  test("may be absent", async () => {
    expect(await clientsIn({}).open(toClientSpec("mapAsync", {}), "mapAsync")).toBe(undefined);
  });
});

describe("what is missing", () => {
  test("is said at once, all of it, with the place to put it", async () => {
    const missing = clientsIn({}).demand("enrich", Object.values(uses));
    await expect(missing).rejects.toMatchObject({
      code: "setting-missing",
      message:
        "Function enrich cannot begin: the setting CUSTOMER_API is missing; set the environment variable of this name; the secret shop/customer-key is missing; set the environment variable MILLRACE_SECRET_SHOP_CUSTOMER_KEY, or put it into .millrace/secrets.json. Nothing was processed.",
    });
  });

  test("is looked for again the next time", async () => {
    const variables: Record<string, string> = { CUSTOMER_API: "" };
    const clients = clientsIn(variables);
    await expect(clients.demand("enrich", Object.values(uses))).rejects.toThrow("customer-key");
    variables.MILLRACE_SECRET_SHOP_CUSTOMER_KEY = "hush";
    await clients.demand("enrich", Object.values(uses));
  });
});

describe("secrets on this machine", () => {
  const inFile = async (content: string, read: (file: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-secrets-"));
    try {
      await writeFile(join(folder, "secrets.json"), content);
      await read(join(folder, "secrets.json"));
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test("come from a variable before the file", () =>
    inFile('{"shop/customer-key":"of the file","b":"file"}', async (file) => {
      const source = machineSettings({ MILLRACE_SECRETS_FILE: file, ...environment });
      expect(await source.secret("shop/customer-key")).toBe("hush");
      expect(await source.secret("b")).toBe("file");
      expect(await source.secret("c")).toBe(undefined);
      expect(await source.secret("toString")).toBe(undefined);
    }));

  test.each(['{"a":1}', "[", "null", '["secret"]'])(
    "are refused where the file says %s, without telling it",
    (content) =>
      inFile(content, async (file) => {
        const error = await machineSettings({ MILLRACE_SECRETS_FILE: file })
          .secret("a")
          .then(String, (thrown: Error) => thrown);
        expect(error).toMatchObject({ message: `The file of secrets ${file} is not JSON of texts by name.` });
      }),
  );

  test("have variables in capitals", () => {
    expect(secretVariable("shop/customer-key")).toBe("MILLRACE_SECRET_SHOP_CUSTOMER_KEY");
  });
});

describe("declarations", () => {
  test.each<[string, () => unknown, string]>([
    ["a setting with a dash", () => setting("CUSTOMER-API"), "setting() takes the name of an environment variable"],
    ["a setting of one letter", () => setting("A"), "setting() takes the name of an environment variable"],
    ["a secret with a space", () => secret("customer key"), "secret() takes the name of a secret"],
    ["a secret without a name", () => secret(""), "secret() takes the name of a secret"],
    ["a text", () => toClientSpec("sink", { uses: { key: "hush" } }), "what a secret says does not stand in the code"],
    ["no open", () => toClientSpec("sink", { uses }), "sink: what it uses is given to open, and it has none."],
    ["no function", () => toClientSpec("sink", { open: 1 }), "sink: open is a function, not number."],
  ])("of %s are refused", (_, declare, sentence) => {
    expect(declare).toThrow(sentence);
  });

  test("of several steps are listed once each", () => {
    const other = toClientSpec("sink", { uses: { url: setting("CUSTOMER_API") }, open: () => 1 });
    expect(usesOf([toClientSpec("mapAsync", { uses, open: () => 1 }), other])).toEqual([
      { kind: "secret", name: "shop/customer-key" },
      { kind: "setting", name: "CUSTOMER_API" },
    ]);
  });
});
