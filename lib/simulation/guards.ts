/** All guards of the protocol. */

import { AHEAD_GUARDS } from "./ahead-guards.ts";
import type { Guard } from "./guard.ts";
import { LOG_GUARDS } from "./log-guards.ts";
import { TASK_GUARDS } from "./task-guards.ts";
import { TRANSACTION_GUARDS } from "./transaction-guards.ts";

export const GUARDS: readonly Guard[] = [...LOG_GUARDS, ...TASK_GUARDS, ...AHEAD_GUARDS, ...TRANSACTION_GUARDS];
