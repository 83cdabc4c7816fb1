/** All suites, in the order in which they run. */
import type { Context } from "../context.js";
import type { SuiteName } from "../results.js";
import { generationSuite } from "./generation.js";
import { ioSuite } from "./io.js";
import { kernelSuite } from "./kernels.js";
import { latencySuite } from "./latency.js";
import { opSuite } from "./ops.js";
import { profileSuite } from "./profile.js";
import { removalSuite } from "./removal.js";
import { scalingSuite } from "./scaling.js";
import { stepSuite } from "./steps.js";
import { transposeSuite } from "./transposes.js";

export const suites: Readonly<Record<SuiteName, (context: Context) => Promise<void>>> = {
  kernels: kernelSuite,
  transposes: transposeSuite,
  ops: opSuite,
  latency: latencySuite,
  steps: stepSuite,
  profile: profileSuite,
  generation: generationSuite,
  io: ioSuite,
  scaling: scalingSuite,
  removal: removalSuite,
};
