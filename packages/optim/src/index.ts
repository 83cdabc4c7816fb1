export { AdamW, type AdamWOptions, type AdamWState } from "./adamw.js";
export { clipGradNorm } from "./gradient-norm.js";
export type { Named, Optimizer, UpdateOptions } from "./optimizer.js";
export { warmupCosine, type WarmupCosine } from "./schedule.js";
export { Sgd, type SgdOptions, type SgdState } from "./sgd.js";
