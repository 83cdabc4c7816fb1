export { AdamW, type AdamWOptions, type AdamWState, type UpdateOptions } from "./adamw.js";
export { warmupCosine, type WarmupCosine } from "./schedule.js";
