/** One run of `normless train`: the core's events to the terminal, the run folder and the model it ends with. */
import { validationLoss } from "@normless/evaluate";
import { join } from "node:path";
import {
  type Gpt2Config,
  type HostModel,
  sitesWithoutNorm,
  standardNorms,
  type WeightDtype,
} from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";
import type { Backend } from "@normless/tensor";
import { type TokenizerFiles, validationPart } from "@normless/text";
import { describeChanges } from "@normless/removal";
import { trainModel, type TrainEvent, type TrainRecipe, type TrainState } from "@normless/train";
import { thousands } from "../terminal/format.js";
import { listenForInterrupt, type Stopped } from "../terminal/interrupt.js";
import { breathe, type Io } from "../terminal/io.js";
import { watchEvent, watchFolder } from "../run-folder/loss-history.js";
import { metricsLine } from "../run-folder/metrics.js";
import { Progress } from "../terminal/progress.js";
import { baseModelLine, provenanceMarkdown } from "../provenance/markdown.js";
import type { EndedProvenance } from "../provenance/schema.js";
import type { TrainConfig } from "../run-folder/run-config.js";
import { MODEL, SUMMARY, TENSORBOARD } from "../run-folder/run-files.js";
import type { RunFolder } from "../run-folder/run-folder.js";
import { tensorboardWriter } from "../tensorboard/tensorboard.js";
import type { Work } from "../terminal/time-left.js";

export interface TrainJob {
  readonly backend: Backend;
  readonly config: Gpt2Config;
  /** What is gone on from; by default fresh weights with LayerNorm everywhere. */
  readonly from?: Pick<HostModel, "weights" | "norms"> | undefined;
  readonly tokenizerFiles: TokenizerFiles;
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly recipe: TrainRecipe;
  readonly dtype: WeightDtype;
  readonly recompute?: boolean | undefined;
  /** Metrics as TensorBoard's event files, too. */
  readonly tensorboard?: boolean | undefined;
  readonly resume?: TrainState | undefined;
  /** The recipe that a resumed training goes on with; `recipe` by default. */
  readonly changed?: TrainRecipe | undefined;
}

export interface TrainSummary {
  /** Nats a token on the recipe's validation tokens. */
  readonly validation: number;
  readonly seconds: number;
  readonly tokens: number;
  readonly peakBytes: number;
  readonly backend: string;
  readonly recipe: TrainRecipe;
  readonly provenance: EndedProvenance;
}

/** The result, or how it was stopped; then a checkpoint is saved. */
export async function runTrain(
  io: Io,
  job: TrainJob,
  folder: RunFolder<TrainState, TrainConfig>,
): Promise<TrainSummary | Stopped> {
  const begin = io.clock();
  const progress = new Progress(io, workOf(job));
  const interrupt = listenForInterrupt(io, (what) => progress.say(what));
  const board = job.tensorboard
    ? tensorboardWriter(join(folder.path, TENSORBOARD), () => io.now())
    : undefined;
  const watch = await watchFolder(folder.path, { distilled: false });
  await folder.dropCheckpoints((at) => watch.soundAt(at));
  let loss = 0;
  let evaluated = 0;
  const take = async (event: TrainEvent): Promise<void> => {
    const line = metricsLine(event);
    if (line) await folder.appendMetrics(line);
    await board?.take(event);
    watchEvent(watch, event);
    switch (event.type) {
      case "step":
        return progress.step(event, job.recipe.steps, job.recipe.batchSize * job.recipe.blockSize);
      case "progress":
        progress.evaluated(event.what, event.done - evaluated);
        evaluated = event.done;
        return;
      case "eval":
        evaluated = 0;
        loss = event.loss;
        return progress.note(
          `step ${event.step}: validation cross-entropy ${loss.toFixed(4)} nats/token`,
          `validation ${loss.toFixed(4)}`,
        );
      case "checkpoint": {
        const path = await folder.saveCheckpoint(event.state.step, event.state, (at) => watch.soundAt(at));
        progress.passed();
        return progress.note(`saved ${path}`, "saved");
      }
      case "change":
        return progress.note(`step ${event.step}: from here on ${describeChanges(event.changes)}`);
      case "done":
        return progress.passed();
    }
  };
  try {
    for await (const event of trainModel({ validate: validationLoss, ...job, signal: interrupt.signal })) {
      await take(event);
      await breathe();
      if (event.type !== "done") continue;
      const { tokenizerFiles, dtype } = job;
      const provenance = { ...folder.config.provenance, ended: io.now().toISOString() };
      const modelCard = trainCard(job, { loss, tokens: event.tokens, provenance });
      const path = join(folder.path, MODEL);
      await writeModelFolder(path, { ...event.model, tokenizerFiles, modelCard, dtype }, { overwrite: true });
      const summary = {
        validation: loss,
        seconds: (io.clock() - begin) / 1000,
        tokens: event.tokens,
        peakBytes: job.backend.memory().peakBytes,
        backend: job.backend.description,
        recipe: job.recipe,
        provenance,
      };
      await folder.writeJson(SUMMARY, summary);
      return summary;
    }
    return interrupt.stopped;
  } finally {
    progress.stop();
    interrupt.release();
  }
}

/** Tokens that are still to be worked on. */
export function workOf({ recipe, corpus, resume }: Pick<TrainJob, "recipe" | "corpus" | "resume">): Work {
  const { steps, batchSize, blockSize, evaluateEvery } = recipe;
  const looks = (step: number) => (evaluateEvery > 0 ? Math.floor(step / evaluateEvery) : 0);
  const done = resume?.step ?? 0;
  const looked = resume?.evaluationDue ? done - 1 : done;
  return {
    train: (steps - done) * batchSize * blockSize,
    evaluate: (1 + Math.max(0, looks(steps - 1) - looks(looked))) * validationTargets({ recipe, corpus }),
  };
}

/** Predictions that a look at the validation set takes. */
function validationTargets({ recipe, corpus }: Pick<TrainJob, "recipe" | "corpus">): number {
  return validationPart(corpus.validation, recipe.validationTokens).length - 1;
}

interface Trained {
  readonly loss: number;
  readonly tokens: number;
  readonly provenance: EndedProvenance;
}

function trainCard(
  { config, from, recipe, corpus }: TrainJob,
  { loss, tokens, provenance }: Trained,
): string {
  const targets = validationTargets({ recipe, corpus });
  const { layers, channels, heads, blockSize, vocabSize } = config;
  const { norms = standardNorms(config) } = from ?? {};
  const [gone, all] = [sitesWithoutNorm({ norms }).length, Object.keys(norms).length];
  const left = `${all - gone} of its ${all} norms\nare LayerNorms, as before`;
  return `---
${baseModelLine(provenance)}tags: [gpt2]
---

# A GPT-2 of ${layers} layers and ${channels} channels

Trained from ${from ? `\`${provenance.model?.name}\`` : "fresh weights"} by [normless](https://www.npmjs.com/package/normless) on ${thousands(tokens)} tokens (of a
corpus of ${thousands(corpus.train.length)}): ${heads} heads, context ${blockSize}, vocabulary ${vocabSize}. ${
    gone > 0 ? left : "Its LayerNorms are in\nplace"
  }. Validation cross-entropy: ${loss.toFixed(4)} nats a token on ${thousands(targets)} tokens.

## Recipe

\`\`\`json
${JSON.stringify(recipe, undefined, 2)}
\`\`\`

${provenanceMarkdown(provenance, recipe)}`;
}
