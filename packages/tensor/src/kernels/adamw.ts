/**
 * AdamW (Loshchilov & Hutter 2019, decoupled decay) with clipping by the global gradient norm, in place, as
 * torch.optim.AdamW after torch.nn.utils.clip_grad_norm_ does it. The norm stays on the device: `sumSquares` of
 * every gradient is added `into` one scalar, which `adamw` reads.
 */
import { BackendError, ShapeError } from "../errors.js";
import { sameShape } from "../shape.js";
import { drawBFloat16, updateBits } from "../bfloat16.js";
import { contract, float32, KEPT, type None } from "./contract.js";

/** The sum of all squares, a scalar. */
export const sumSquares = contract<None>()({
  inputs: ["x"],
  outputs: ["total"],
  infer: () => ({ total: float32([]) }),
  naive({ x }, _attributes, { total }) {
    let sum = 0;
    for (const value of x.data) sum += value * value;
    total.data[0] = sum;
  },
});

/** The settings of one update. */
export interface AdamWAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Number of this update, from 1, for the bias corrections. */
  readonly step: number;
  /** Gradients are scaled by min(1, maxNorm/(norm + 1e-6)); Infinity leaves them. */
  readonly maxNorm: number;
}

/** What each element needs, from the attributes and the squared norm; one place for all backends on the host. */
export function adamwCoefficients(a: AdamWAttributes) {
  return {
    decay: 1 - a.learningRate * a.weightDecay,
    stepSize: a.learningRate / (1 - a.beta1 ** a.step),
    correction2: Math.sqrt(1 - a.beta2 ** a.step),
  };
}

/**
 * param −= lr·weightDecay·param, then param −= stepSize·m/(√v/correction2 + eps). Where normSquared is not finite, nothing
 * changes: an update that came to no number must not spoil the parameters before anybody can know.
 *
 * m and v may both be bfloat16. What an update adds to v is less than half of the gap between two of those, so that rounding
 * to the nearest would keep it where it is for ever: they are rounded up or down by chance, the likelier the nearer, by bits
 * that the step and the place decide. The parameter is updated by what they were before they were rounded.
 */
export const adamw = contract<AdamWAttributes>()({
  inputs: ["param", "grad", "m", "v", "normSquared"],
  outputs: [],
  mutates: ["param", "m", "v"],
  dtypes: { m: KEPT, v: KEPT },
  infer({ param, grad, m, v, normSquared }) {
    const shapes = {
      param: param.shape,
      grad: grad.shape,
      m: m.shape,
      v: v.shape,
      normSquared: normSquared.shape,
    };
    if (
      ![grad, m, v].every((other) => sameShape(other.shape, param.shape)) ||
      normSquared.shape.length !== 0
    ) {
      throw new ShapeError("adamw", "param, grad, m and v share one shape; normSquared is a scalar", shapes);
    }
    if (m.dtype !== v.dtype)
      throw new BackendError(`adamw: m is ${m.dtype} and v is ${v.dtype}; keep both alike`);
    return {};
  },
  naive({ param, grad, m, v, normSquared }, attributes) {
    const { beta1, beta2, eps, maxNorm } = attributes;
    if (!Number.isFinite(normSquared.data[0])) return;
    const { decay, stepSize, correction2 } = adamwCoefficients(attributes);
    const clip = Math.min(1, maxNorm / (Math.sqrt(normSquared.data[0]) + 1e-6));
    for (let i = 0; i < param.data.length; i++) {
      const g = grad.data[i] * clip;
      const m1 = beta1 * m.data[i] + (1 - beta1) * g;
      const v1 = beta2 * v.data[i] + (1 - beta2) * g * g;
      const bits = m.dtype === "bfloat16" ? updateBits(attributes.step, i) : undefined;
      m.data[i] = bits === undefined ? m1 : drawBFloat16(m1, bits & 0xffff);
      v.data[i] = bits === undefined ? v1 : drawBFloat16(v1, bits >>> 16);
      param.data[i] = param.data[i] * decay - (stepSize * m1) / (Math.sqrt(v1) / correction2 + eps);
    }
  },
});
