/** All suites, in the order in which they run. */
import type { Context } from "../harness/context.js";
import type { SuiteName } from "../results/results.js";
import { opCases } from "../cases/op-cases.js";
import { steps } from "../cases/shapes.js";
import { generationCases, generationSuite } from "./generation.js";
import { ioCases, ioSuite } from "./io.js";
import { kernelCases, kernelSuite } from "./kernels.js";
import { latencyCases, latencySuite } from "./latency.js";
import { opSuite } from "./ops.js";
import { profiled, profileSuite } from "./profile.js";
import { primitiveCases, primitiveSuite } from "./primitives.js";
import { removalCases, removalSuite } from "./removal.js";
import { scalingCases, scalingSuite } from "./scaling.js";
import { stepSuite } from "./steps.js";
import { transposeCases, transposeSuite } from "./transposes.js";

export interface Suite {
  readonly run: (context: Context) => Promise<void>;
  /** What it may be asked for alone. */
  readonly cases: readonly string[];
}

export const suites: Readonly<Record<SuiteName, Suite>> = {
  kernels: { run: kernelSuite, cases: kernelCases },
  transposes: { run: transposeSuite, cases: transposeCases },
  ops: { run: opSuite, cases: Object.keys(opCases) },
  primitives: { run: primitiveSuite, cases: primitiveCases },
  latency: { run: latencySuite, cases: latencyCases },
  steps: { run: stepSuite, cases: Object.keys(steps) },
  profile: { run: profileSuite, cases: profiled },
  generation: { run: generationSuite, cases: generationCases },
  io: { run: ioSuite, cases: ioCases },
  scaling: { run: scalingSuite, cases: scalingCases },
  removal: { run: removalSuite, cases: removalCases },
};

/** The cases of those suites, a line each. */
export const listCases = (names: readonly SuiteName[]): string =>
  names.map((name) => `  ${name}: ${suites[name].cases.join(", ")}`).join("\n");

/** @throws Error that lists what there is, when none of those suites has a case of that name. */
export function checkCases(cases: readonly string[], names: readonly SuiteName[]): void {
  const unknown = cases.filter((one) => !names.some((name) => suites[name].cases.includes(one)));
  if (unknown.length > 0)
    throw new Error(`no case of these suites is named ${unknown.join(", ")}:\n${listCases(names)}`);
}
