/** Names in a file that are an optimiser's and no parameter's. */

/** Of what is kept of each parameter: `adamw.m.NAME`, `adamw.v.NAME`, `sgd.momentum.NAME`; beside them `adamw.step`, `sgd.step`. */
export type Moment = "adamw.m" | "adamw.v" | "sgd.momentum";

/** Whether an optimiser's state has this name. */
export function isStateName(name: string): boolean {
  return /^(adamw\.(step$|m\.|v\.)|sgd\.(step$|momentum\.))/.test(name);
}
