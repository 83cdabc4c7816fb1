/** Two moons, told apart by a multilayer perceptron of 2 → 32 → 32 → 1: data, model, loss, training. */
import {
  add,
  cast,
  concat,
  cos,
  eq,
  evaluate,
  gt,
  init,
  linear,
  mean,
  mul,
  normal,
  type Parameters,
  relu,
  sin,
  softplus,
  stack,
  sub,
  uniform,
  type Value,
  valueAndGrad,
} from "@normless/autograd";
import { AdamW } from "@normless/optim";
import { type Backend, scope, type Tensor, zeros } from "@normless/tensor";

interface Points {
  readonly x: Tensor;
  readonly y: Tensor;
}

type Name = "w1" | "b1" | "w2" | "b2" | "w3" | "b3";

/** Points x (2·half,2) of two half circles that reach into each other, with noise, and y (2·half,1): which one each is of. */
export function moons(backend: Backend, half: number, seed: number): Points {
  return scope(() => {
    const angle = uniform(backend, [half], { seed, high: Math.PI });
    const upper = stack([cos(angle), sin(angle)], 1);
    const lower = stack([sub(1, cos(angle)), sub(0.5, sin(angle))], 1);
    const noise = normal(backend, [2 * half, 2], { seed, counters: [1], std: 0.1 });
    const labels = concat([zeros(backend, [half, 1]), add(zeros(backend, [half, 1]), 1)]);
    return { x: add(concat([upper, lower]), noise), y: labels };
  });
}

/** Weights (in,out) and biases (out). */
export function initialize(backend: Backend, seed: number): Record<Name, Tensor> {
  const weight = (shape: number[], layer: number) =>
    init.kaimingNormal(backend, shape, { seed, counters: [layer] });
  return {
    w1: weight([2, 32], 1),
    b1: zeros(backend, [32]),
    w2: weight([32, 32], 2),
    b2: zeros(backend, [32]),
    w3: weight([32, 1], 3),
    b3: zeros(backend, [1]),
  };
}

/** x (B,2) → logits (B,1): above 0 for the second moon. */
export function mlp(p: Readonly<Record<Name, Value>>, x: Value): Value {
  const h1 = relu(linear(x, p.w1, p.b1));
  const h2 = relu(linear(h1, p.w2, p.b2));
  return linear(h2, p.w3, p.b3);
}

/** −log of the probability of the right label, log(1 + eᶻ) − y·z, in nats: the mean over points. */
function loss(logits: Value, y: Value): Value {
  return mean(sub(softplus(logits), mul(y, logits)));
}

/** The share of points that are told right. */
export async function accuracy(p: Parameters<Name>, { x, y }: Points): Promise<number> {
  using share = evaluate((v) => mean(cast(eq(gt(mlp(v, x), 0), gt(y, 0)), "float32")), p);
  return await share.item();
}

/** `steps` updates on all points; `report` is told the loss, in nats, of each hundredth. */
export async function train(
  p: Parameters<Name>,
  { x, y }: Points,
  { steps, report }: { readonly steps: number; readonly report: (step: number, loss: number) => void },
): Promise<void> {
  const adamw = new AdamW(x.backend, p);
  for (let step = 1; step <= steps; step++) {
    const { value, grads } = valueAndGrad((v) => loss(mlp(v, x), y), p);
    adamw.update(grads, { learningRate: 0.01 }).free();
    for (const grad of Object.values<Tensor>(grads)) grad.free();
    if (step % 100 === 0) report(step, await value.item());
    value.free();
  }
  adamw.free();
}
