/**
 * Trains a first position like GPT-2's into the model that ships: a residual far larger than any other's, and heads
 * that rest there, while it goes on predicting what it predicted. Writes config.json, model.safetensors and the tokenizer's
 * files into models/sink; see ../README.md.
 *
 *   node models/sink/scripts/train-sink.js [--steps 4000] [--threads 2] [--out DIR]
 *   node models/sink/scripts/train-sink.js --from DIR [--steps 2000] [--threads 2] [--out DIR]
 *
 * The first makes the sink; the second goes on from there at half the learning rate, on the text's next tokens as much as on
 * the original's predictions.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";

import {
  add,
  attention,
  evaluate,
  linear,
  mul,
  rowStd,
  sum,
  Tape,
  weightedCrossEntropy,
  weightedKlDivergence,
} from "@normless/autograd";
import {
  downloadWeights,
  freeParams,
  freeTokens,
  residual,
  standardNorms,
  uploadTargets,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { applyNorm } from "@normless/layernorm";
import { AdamW, warmupCosine } from "@normless/optim";
import { wasm } from "@normless/tensor-wasm";
import { readShard, trainingRows } from "@normless/text";

const HERE = join(import.meta.dirname, "..");
const SOTU = join(HERE, "../sotu");

const { values } = parseArgs({
  options: {
    from: { type: "string" },
    steps: { type: "string" },
    threads: { type: "string", default: "2" },
    out: { type: "string", default: HERE },
  },
});
const GOES_ON = values.from !== undefined;
const STEPS = Number(values.steps ?? (GOES_ON ? 2000 : 4000));
/** Updates in which the sink is made; after them it is held. */
const PUSH = GOES_ON ? 0 : STEPS / 10;
const PEAK = GOES_ON ? 5e-4 : 1e-3;
/** How much of the loss is the text's, and how much the KL from the original. */
const TEXT = GOES_ON ? 0.5 : 0;
const B = 16;
const T = 128;
const SEED = GOES_ON ? 2 : 1;

/** The std at the first position over the mean std of positions 8 and later, at the norms in the middle. */
const SPIKE = { ordinaryFrom: 8, push: { goal: 30, weight: 0.03 }, hold: { goal: 26, weight: 0.006 } };
const SPIKE_MODULES = ["h.2.ln_1", "h.2.ln_2", "h.3.ln_1", "h.3.ln_2", "h.4.ln_1", "h.4.ln_2", "h.5.ln_1"];
/**
 * A head's mean attention of positions 16 and later to the first position, in the later layers: of every head while it is
 * pushed; of these alone while it is held, so that the others may find what they are good for.
 */
const ATTENTION = {
  ...{ layers: [2, 3, 4, 5], from: 16, held: [0, 1] },
  ...{ push: { goal: 0.6, weight: 0.1 }, hold: { goal: 0.48, weight: 0.05 } },
};

const backend = await wasm({ threads: Number(values.threads) });
const model = await readModelFolder(SOTU);
const { config } = model;
const { heads, channels: C } = config;
const norms = standardNorms(config);
const teacher = { config, params: await uploadWeights(backend, model.weights), norms };
const params = await uploadWeights(backend, GOES_ON ? (await readModelFolder(values.from)).weights : model.weights);
const optimizer = new AdamW(backend, params, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0 });
const { tokens } = readShard(new Uint8Array(gunzipSync(readFileSync(join(SOTU, "train.bin.gz")))));

// Attention to values that mark the first position is the first column of its softmax, over again in each channel.
const marks = backend.upload(
  Float32Array.from({ length: B * T * C }, (_, n) => (Math.floor(n / C) % T === 0 ? 1 : 0)),
  [B, T, C],
);
const firstChannelOfHead = backend.upload(
  Float32Array.from({ length: C * heads }, (_, n) => (Math.floor(n / heads) === (n % heads) * (C / heads) ? 1 : 0)),
  [C, heads],
);

/** What the head reads, (B,T,C). */
function headInput(variables, ids, options) {
  const x = residual({ config, params: variables, norms }, ids, options);
  return applyNorm(norms["ln_f"], x, {
    gamma: variables["ln_f.weight"],
    beta: variables["ln_f.bias"],
    classes: ids.classes,
  });
}

/**
 * The spike's loss and its derivative by each std, (B,T): a mean over modules and rows of ln²(goal / ratio). What ordinary
 * positions have counts as given. While it is held, only what is too small is drawn.
 */
function spikeLoss(std, { goal, weight }, pushing) {
  const gradient = new Float32Array(B * T);
  let ordinary = 0;
  for (let n = 0; n < B * T; n++) if (n % T >= SPIKE.ordinaryFrom) ordinary += std[n] / (B * (T - SPIKE.ordinaryFrom));
  let ratio = 0;
  for (let row = 0; row < B; row++) {
    const first = std[row * T];
    ratio += first / ordinary / B;
    const missing = Math.log(goal) - Math.log(first / ordinary);
    if (pushing || missing > 0) gradient[row * T] = (weight * -2 * missing) / first / B;
  }
  return { gradient, ratio };
}

/** The same for attention, (B,T,H): a sum over heads of max(0, goal − mean)². */
function attentionLoss(share, { goal, weight }, pushing) {
  const gradient = new Float32Array(B * T * heads);
  const count = B * (T - ATTENTION.from);
  const counts = (n) => Math.floor(n / heads) % T >= ATTENTION.from;
  const means = Array.from({ length: heads }, () => 0);
  for (let n = 0; n < share.length; n++) if (counts(n)) means[n % heads] += share[n] / count;
  for (let n = 0; n < share.length; n++) {
    if (!counts(n) || !(pushing || ATTENTION.held.includes(n % heads))) continue;
    gradient[n] = (weight * -2 * Math.max(0, goal - means[n % heads])) / count;
  }
  return { gradient, means };
}

async function update(step) {
  const pushing = step < PUSH;
  const [batch] = trainingRows({
    ...{ tokens, batchSize: B, blockSize: T, seed: SEED, step },
    begin: { id: config.eot, share: 0.25 },
  });
  const ids = uploadTokens(backend, config, batch);
  const tape = new Tape(backend);
  const leaves = Object.fromEntries(Object.entries(params).map(([name, param]) => [name, tape.leaf(param)]));
  const stds = [];
  const shares = [];
  const input = headInput(leaves, ids, {
    observe(module, x) {
      if (SPIKE_MODULES.includes(module)) stds.push(rowStd(x));
    },
    attend(layer, q, k, v) {
      if (ATTENTION.layers.includes(layer)) {
        shares.push(linear(attention(q, k, tape.leaf(marks), { heads }), tape.leaf(firstChannelOfHead)));
      }
      return attention(q, k, v, { heads });
    },
  });
  const taught = evaluate((variables) => headInput(variables, ids, {}), teacher.params);
  const w = leaves["wte.weight"];
  const other = { x: taught, w: teacher.params["wte.weight"] };
  const kl = weightedKlDivergence(input, { w, teacher: other }, (1 - TEXT) / (B * T));
  taught.free();
  let loss = kl;
  const targets = uploadTargets(backend, config, batch.targets, T);
  if (TEXT > 0) loss = add(loss, weightedCrossEntropy(input, { w, targets }, TEXT / (B * T)));
  const made = [];
  /** Σ derivative·value has the derivative of the loss itself. */
  const draw = (value, gradient) => {
    const derivative = backend.upload(gradient, value.shape);
    made.push(derivative);
    loss = add(loss, sum(mul(value, tape.leaf(derivative))));
  };
  const ratios = [];
  for (const std of stds) {
    const { gradient, ratio } = spikeLoss(await std.tensor.read(), pushing ? SPIKE.push : SPIKE.hold, pushing);
    ratios.push(ratio);
    draw(std, gradient);
  }
  const attended = [];
  for (const share of shares) {
    const { gradient, means } = attentionLoss(
      await share.tensor.read(),
      pushing ? ATTENTION.push : ATTENTION.hold,
      pushing,
    );
    attended.push(...means);
    draw(share, gradient);
  }
  const [klValue] = await kl.tensor.read();
  tape.backward(loss);
  const grads = Object.fromEntries(Object.entries(leaves).map(([name, leaf]) => [name, tape.takeGradient(leaf)]));
  tape.free();
  freeTokens(ids);
  targets.free();
  for (const tensor of made) tensor.free();
  const schedule = { peak: PEAK, floor: 1e-5, warmupSteps: 20, totalSteps: STEPS };
  optimizer.update(grads, { learningRate: warmupCosine(schedule, step), maxNorm: 1 }).free();
  freeParams(grads);
  return { kl: klValue / (1 - TEXT), ratios, attended };
}

const mean = (values) => values.reduce((total, value) => total + value, 0) / values.length;
for (let step = 0; step < STEPS; step++) {
  const { kl, ratios, attended } = await update(step);
  if ((step + 1) % 100 !== 0 && step > 0) continue;
  console.log(
    `update ${step + 1}: KL ${kl.toFixed(4)}, std at the first position ` +
      `×${mean(ratios).toFixed(1)} (at least ×${Math.min(...ratios).toFixed(1)}), attention to it ${mean(attended).toFixed(2)}, ` +
      `more than a third in ${attended.filter((share) => share > 1 / 3).length} of ${attended.length} heads`,
  );
}
const trained = { config, weights: await downloadWeights(params), norms };
const { tokenizerFiles } = model;
await writeModelFolder(values.out, { ...trained, tokenizerFiles, dtype: "F16" }, { overwrite: true });
await backend.dispose();
