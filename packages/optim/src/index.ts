export { AdamW, type AdamWOptions, type AdamWState, zeroGradients } from "./adamw.js";
export { warmupCosine, type WarmupCosine } from "./schedule.js";
