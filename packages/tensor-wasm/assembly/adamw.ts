/** AdamW with clipping by the global norm, in place, in one pass. The squared norm is read here, not on the host. */
import { CHUNK, chunkEnd } from "./elementwise";
import { float, int, pointer } from "./control";
import { fma, splat } from "./simd";

/**
 * ints: param, grad, m, v, normSquared, n; floats: beta1, 1 − beta1, beta2, 1 − beta2, eps, decay, stepSize,
 * correction2, maxNorm.
 */
export function adamw(unit: i32): void {
  const param = pointer(0), grad = pointer(1), mean = pointer(2), square = pointer(3);
  const squared = load<f32>(pointer(4));
  if (!isFinite(squared)) return;
  const norm = <f32>(Math.sqrt(<f64>squared) + 1e-6);
  const clip = splat(min<f32>(1, float(8) / norm));
  const beta1 = splat(float(0)), rest1 = splat(float(1)), beta2 = splat(float(2)), rest2 = splat(float(3));
  const eps = splat(float(4)), decay = splat(float(5)), step = splat(float(6)), correction = splat(float(7));
  const end = chunkEnd(unit, int(5));
  for (let i = unit * CHUNK; i < end; i += 4) {
    const at = <usize>i << 2;
    const g = f32x4.mul(v128.load(grad + at), clip);
    const m = fma(beta1, v128.load(mean + at), f32x4.mul(rest1, g));
    const v = fma(beta2, v128.load(square + at), f32x4.mul(f32x4.mul(rest2, g), g));
    v128.store(mean + at, m);
    v128.store(square + at, v);
    const scaled = f32x4.add(f32x4.div(f32x4.sqrt(v), correction), eps);
    const update = f32x4.div(f32x4.mul(step, m), scaled);
    v128.store(param + at, f32x4.sub(f32x4.mul(v128.load(param + at), decay), update));
  }
}
