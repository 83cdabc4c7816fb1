/** The norm of all gradients together, on the device, and clipping by it. */
import { type Backend, stridesOf, type Tensor, zeros } from "@normless/tensor";

/** Σ of the squares of all values of all tensors, a scalar, the caller's. @throws what the backend does */
export function sumOfSquares(backend: Backend, tensors: readonly Tensor[]): Tensor {
  const total = zeros(backend, []);
  try {
    for (const x of tensors) backend.run("sumSquares", { x }, {}, { total });
  } catch (error) {
    total.free();
    throw error;
  }
  return total;
}

/** min(1, maxNorm/(norm + 1e-6)) as PyTorch has it, of the norm's square, on the device: a scalar, the caller's. */
export function clipFactor(normSquared: Tensor, maxNorm: number): Tensor {
  const { backend } = normSquared;
  const { y: norm } = backend.run("unary", { x: normSquared }, { op: "sqrt" });
  const { y: limit } = backend.run("full", {}, { shape: [], value: maxNorm, dtype: "float32" });
  const { y: small } = backend.run("full", {}, { shape: [], value: 1e-6, dtype: "float32" });
  const { y: divisor } = backend.run("binary", { a: norm, b: small }, { op: "add" });
  const { y: ratio } = backend.run("binary", { a: limit, b: divisor }, { op: "div" });
  const { y: factor } = backend.run("clamp", { x: ratio }, { min: 0, max: 1 });
  for (const tensor of [norm, limit, small, divisor, ratio]) tensor.free();
  return factor;
}

/**
 * Scales gradients, in place, so that their global norm is `maxNorm` at most: torch.nn.utils.clip_grad_norm_. Returns the
 * square of the norm before, a scalar on the device, the caller's. Optimisers here clip by themselves: see their `maxNorm`.
 * @throws RangeError for a norm that is not above 0
 */
export function clipGradNorm(grads: Readonly<Record<string, Tensor>>, maxNorm: number): Tensor {
  if (!(maxNorm > 0)) throw new RangeError(`clipGradNorm: maxNorm is ${maxNorm}; it must be above 0`);
  const tensors = Object.values(grads);
  if (tensors.length === 0) throw new RangeError("clipGradNorm: there are no gradients");
  const normSquared = sumOfSquares(tensors[0].backend, tensors);
  const by = clipFactor(normSquared, maxNorm);
  for (const grad of tensors) {
    const { backend, shape } = grad;
    const { y: x } = backend.run("scale", { x: grad, by }, { factor: 1 });
    backend.run("assign", { y: grad, x }, { strides: stridesOf(shape), offset: 0 });
    x.free();
  }
  by.free();
  return normSquared;
}
