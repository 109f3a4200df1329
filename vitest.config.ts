// Tests run against the source: "millrace" means lib/index.ts here, as it does everywhere in this repository.

import { defineConfig } from "vitest/config";

const conditions = ["millrace-source", "module", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    execArgv: ["--conditions=millrace-source", "--disable-warning=ExperimentalWarning"],
    testTimeout: 10_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    reporters: ["default", "./tools/closing-line-reporter.ts"],
  },
});
