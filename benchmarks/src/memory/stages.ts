/** The commands that look at a model or write it in another form, each in a process of its own, by the memory it held. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { built, NORMLESS, type ProcessPeak, processPeak } from "../harness/process-peak.js";

export interface MemoryStage extends ProcessPeak {
  readonly name: string;
}

const EXPORTS = [
  ["export folded", "--form", "folded"],
  ["export folded F16", "--form", "folded", "--dtype", "F16"],
  ["export transformer-lens", "--form", "transformer-lens"],
  ["export gpt2", "--form", "gpt2"],
] as const;

const TRAININGS = [
  ["train 1×256", []],
  ["train 1×256, recomputed", ["recompute"]],
  ["train 1×256, recomputed, moments in bfloat16", ["recompute", "bfloat16"]],
] as const;

/** The stages' names and arguments; `root` is what `makeModel` wrote. */
function commands(root: string): Record<string, readonly string[]> {
  const model = ["--model", join(root, "model")];
  const frozen = [...model, "--norms", join(root, "norms.json")];
  const logits = ["--token-ids", join(root, "rows.json"), "--safetensors", join(root, "out")];
  const looking = ["--block-size", "256", "--position-rows", "0"];
  return {
    inspect: ["inspect", ...model],
    eval: ["eval", ...model, ...looking, "--micro-batch-size", "2"],
    generate: ["generate", ...model, "--prompt", "The", "--max-tokens", "4"],
    logits: ["logits", ...model, ...logits],
    "compare with itself": ["compare", ...model, join(root, "model"), ...looking],
    ...Object.fromEntries(
      EXPORTS.map(([name, ...form]) => [name, ["export", ...frozen, ...form, "--out", join(root, "out")]]),
    ),
  };
}

export const stageNames: readonly string[] = [
  ...Object.keys(commands("")),
  ...TRAININGS.map(([name]) => name),
];

/** @throws Error when a command fails */
export async function memoryStages(
  root: string,
  {
    only,
    more,
    say,
  }: {
    readonly only?: readonly string[] | undefined;
    /** Arguments of every command. */
    readonly more: readonly string[];
    readonly say: (name: string) => void;
  },
): Promise<MemoryStage[]> {
  const stages: MemoryStage[] = [];
  for (const [name, args] of Object.entries(commands(root))) {
    if (only && !only.includes(name)) continue;
    say(name);
    stages.push({ name, ...(await processPeak(NORMLESS, [...args, ...more])) });
    await rm(join(root, "out"), { recursive: true, force: true });
  }
  for (const [name, ways] of TRAININGS) {
    if (only && !only.includes(name)) continue;
    say(name);
    stages.push({
      name,
      ...(await processPeak(built("./training-step.js"), [join(root, "model"), ...ways])),
    });
  }
  return stages;
}
