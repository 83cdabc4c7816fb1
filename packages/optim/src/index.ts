export { AdamW, type AdamWOptions, type AdamWState, type UpdateOptions, zeroGradients } from "./adamw.js";
export { warmupCosine, type WarmupCosine } from "./schedule.js";
