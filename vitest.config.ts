// Tests run against the source: "millrace" means lib/index.ts here, as it does everywhere in this repository.
// `npm test` needs nothing but Node; `npm run test:services` (vitest --project services) starts real servers and needs Java and Maven.

import { defineConfig } from "vitest/config";

// Without "module", which would choose files of the AWS SDK that Node cannot load.
const conditions = ["millrace-source", "node", "development|production"];

const SERVICES = "test/services/**/*.test.ts";

const resolution = { resolve: { conditions }, ssr: { resolve: { conditions } } };

const shared = {
  environment: "node",
  execArgv: ["--conditions=millrace-source", "--disable-warning=ExperimentalWarning"],
  teardownTimeout: 10_000,
};

export default defineConfig({
  test: {
    reporters: ["default", "./tools/closing-line-reporter.ts"],
    projects: [
      {
        ...resolution,
        test: {
          ...shared,
          name: "local",
          include: ["test/**/*.test.ts"],
          exclude: [SERVICES],
          testTimeout: 10_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...resolution,
        test: {
          ...shared,
          name: "services",
          include: [SERVICES],
          // One file at a time: servers take memory, and some tests measure.
          fileParallelism: false,
          testTimeout: 60_000,
          // The first start downloads the servers.
          hookTimeout: 400_000,
        },
      },
    ],
  },
});
