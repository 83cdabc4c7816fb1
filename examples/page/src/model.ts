/** Two moons, and a perceptron of 2 → 32 → 32 → 1 that learns which one a point is of. */
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
  relu,
  sin,
  softplus,
  stack,
  sub,
  uniform,
  type Value,
} from "@normless/autograd";
import { type Backend, scope, type Tensor, zeros } from "@normless/tensor";

export interface Points {
  readonly x: Tensor;
  readonly y: Tensor;
}

export type Name = "w1" | "b1" | "w2" | "b2" | "w3" | "b3";

/** Points x (2·half,2) and labels y (2·half,1): 0 for the upper moon, 1 for the lower one. */
export function moons(backend: Backend, half: number, seed: number): Points {
  return scope(() => {
    const angle = uniform(backend, [half], { seed, high: Math.PI });
    const upper = stack([cos(angle), sin(angle)], 1);
    const lower = stack([sub(1, cos(angle)), sub(0.5, sin(angle))], 1);
    const noise = normal(backend, [2 * half, 2], { seed, counters: [1], std: 0.1 });
    const y = concat([zeros(backend, [half, 1]), add(zeros(backend, [half, 1]), 1)]);
    return { x: add(concat([upper, lower]), noise), y };
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

/** x (B,2) → logits (B,1): above 0 for the lower moon. */
export function logits(p: Readonly<Record<Name, Value>>, x: Value): Value {
  const h1 = relu(linear(x, p.w1, p.b1));
  const h2 = relu(linear(h1, p.w2, p.b2));
  return linear(h2, p.w3, p.b3);
}

/** The mean of −log of the right label's probability, in nats. */
export function loss(p: Readonly<Record<Name, Value>>, { x, y }: Points): Value {
  const z = logits(p, x);
  return mean(sub(softplus(z), mul(y, z)));
}

/** The share of points that are told right, a scalar. */
export function accuracy(p: Readonly<Record<Name, Tensor>>, { x, y }: Points): Tensor {
  return evaluate((v) => mean(cast(eq(gt(logits(v, x), 0), gt(y, 0)), "float32")), p);
}
