/** A run that never was: figures with the shape of a real one, the same for the same seed. */
import { moduleOf, normModules, presets } from "@normless/gpt2";
import type { PerClass } from "@normless/tensor";
import {
  extentOf,
  type FirstPositionEvent,
  plan,
  scaleRecipe,
  type StepEvent,
  type Validated,
  type Contender,
  type Phase,
} from "@normless/removal";
import type { ReportData } from "../../src/report/data.js";
import { syntheticLook, validatedAs } from "./synthetic-positions.js";
import { endedProvenance } from "../provenance/provenance-of.js";
import { crossEntropy } from "@normless/removal/testing";

/** Uniform in [0, 1): mulberry32, public domain. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function syntheticFirst(model: FirstPositionEvent["model"], ratio: number): FirstPositionEvent {
  const { layers } = presets.base;
  return {
    ...{ type: "first-position", model, ratio, sink: false },
    ratios: Object.fromEntries(normModules(presets.base).map((module) => [module, ratio])),
    attention: Array.from({ length: layers }, (_, layer) => ({
      layer,
      share: 0.01 * ratio,
      sinkRate: 0.005 * ratio,
    })),
  };
}

export function syntheticRun(
  seed: number,
  text = "the little fox looked at the moon.\n\n“Why?” she said.",
): ReportData & Required<Pick<ReportData, "summary">> {
  const random = uniform(seed);
  const noise = () => random() + random() + random() - 1.5;
  // One column a step, and removals apart from each other.
  const gaps = { ln_2: 3, "ln_1:qk": 3, "ln_1:v": 4 };
  const pace = { kind: "fixed", start: 10, gaps, eotAfter: 2, firstAfter: 6 } as const;
  const recipe = { ...scaleRecipe(crossEntropy, { steps: 200 }).recipe, pace };
  const config = presets.base;
  const removals = plan(recipe, config);
  const batch = Array.from({ length: recipe.steps }, () => 0.06 * noise());
  const bump = (step: number) =>
    removals.reduce((sum, one) => sum + (step > one.step ? 0.05 * Math.exp((one.step - step) / 5) : 0), 0);
  const steps = (["control", "removal"] as const).flatMap((phase: Phase) =>
    batch.map((difference, i): StepEvent => {
      const step = i + 1;
      const extra = phase === "removal" ? bump(step) + 0.012 * noise() : 0;
      return {
        type: "step",
        phase,
        step,
        loss: 2.31 - 0.0006 * step + difference + extra,
        ...(phase === "removal" && { auxiliary: 0.02 + 0.002 * noise() }),
        gradNorm: 0.5 + 0.1 * noise() + 3 * extra,
        learningRate:
          6e-4 * (step < 10 ? step / 10 : 0.55 + 0.45 * Math.cos((Math.PI * step) / recipe.steps)),
        tokensPerSecond: 9800,
        seconds: step * 0.21,
      };
    }),
  );
  const std = (depth: number, scale: number): PerClass => ({
    first: scale * 2.4 * 1.35 ** depth,
    eot: scale * 1.6 * 1.21 ** depth,
    rest: scale * 0.5 * 1.14 ** depth,
  });
  const modules = normModules(config);
  const stds = (scale: number) =>
    Object.fromEntries(modules.map((module, i) => [module, std(i, scale * (1 + 0.2 * random()))]));
  const [before, after] = [stds(1), stds(0.8)];
  const validation = { original: 2.2784, control: 2.1951, frozen: 2.2173, folded: 2.2173002 };
  const names = Object.keys(validation) as Contender[];
  const validated = Object.fromEntries(
    names.map((model) => [model, validatedAs(model, validation)]),
  ) as Record<Contender, Validated>;
  const prompt = "Once upon a time";
  return {
    plan: {
      recipe,
      config,
      removals,
      sites: extentOf(recipe, config),
      trainTokens: 2_543_104,
      validationTokens: 131_072,
      validationTargets: { original: 140_000, control: 140_000, frozen: 131_072, folded: 140_000 },
    },
    provenance: endedProvenance,
    steps,
    removals: removals.map((removal) =>
      removal.kind === "freeze"
        ? { type: "removal", step: removal.step, removal, damage: 0.04, std: before[moduleOf(removal.site)] }
        : { type: "removal", step: removal.step, removal, damage: -0.001 },
    ),
    changes: [],
    firstPositions: {
      original: syntheticFirst("original", 4.8),
      frozen: syntheticFirst("frozen", 1.2),
    },
    evals: (["original", "control", "frozen", "folded"] as const).map((model) => ({
      type: "eval",
      model,
      loss: validation[model],
      ...validated[model],
      seconds: 4.2,
    })),
    looks: (["control", "removal"] as const).flatMap((phase) =>
      [0, 50, 100, 150, 200].map((step) => syntheticLook(phase, step)),
    ),
    stds: [
      { type: "stds", model: "original", stds: before },
      { type: "stds", model: "frozen", stds: after },
    ],
    samples: [
      { type: "sample", model: "original", prompt, text: `, ${text}` },
      { type: "sample", model: "folded", prompt, text: `, in a wood, ${text}` },
    ],
    fold: { type: "fold", relativeDifference: 3.217e-6 },
    summary: {
      validation,
      validated,
      seconds: 163.4,
      tokens: 2 * recipe.steps * recipe.batchSize * recipe.blockSize,
      probedTokens: 21_504,
      peakBytes: 412_345_678,
      backend: "wasm, relaxed SIMD, 2 threads",
    },
  };
}
