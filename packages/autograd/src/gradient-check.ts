/**
 * Gradients against central differences, the witness that knows nothing of calculus. Run it on the reference backend
 * in float64: on float32 the differences drown in rounding.
 */
import { evaluate, type Parameters, valueAndGrad, type Variables } from "./value-and-grad.js";
import type { Value } from "./tape.js";

/** The element whose gradient is furthest from its central difference. */
export interface GradientMismatch {
  readonly parameter: string;
  readonly element: number;
  readonly analytic: number;
  readonly numeric: number;
}

/**
 * The worst mismatch over all elements of all parameters, relative to the largest gradient in each parameter
 * (or 1, when all are smaller), with the element where it is. `step` is the h of (f(x+h) − f(x−h))/2h.
 */
export async function gradientCheck<K extends string>(
  fn: (variables: Variables<K>) => Value,
  params: Parameters<K>,
  { step = 1e-5 }: { readonly step?: number } = {},
): Promise<{ readonly relative: number; readonly worst: GradientMismatch | undefined }> {
  const { value, grads } = valueAndGrad(fn, params);
  value.free();
  let relative = 0;
  let worst: GradientMismatch | undefined;
  for (const parameter of Object.keys(params) as K[]) {
    const tensor = params[parameter];
    const values = await tensor.read();
    const analytic = await grads[parameter].read();
    const scale = Float64Array.from(analytic).reduce((max, g) => Math.max(max, Math.abs(g)), 1);
    const at = async (element: number, shift: number) => {
      const moved = values.slice();
      moved[element] += shift;
      tensor.backend.write(tensor, moved);
      const result = evaluate(fn, params);
      const number = await result.item();
      result.free();
      return number;
    };
    for (let element = 0; element < values.length; element++) {
      const numeric = ((await at(element, step)) - (await at(element, -step))) / (2 * step);
      const gap = Math.abs(numeric - analytic[element]) / scale;
      if (gap > relative || Number.isNaN(gap)) {
        relative = Number.isNaN(gap) ? Infinity : gap;
        worst = { parameter, element, analytic: analytic[element], numeric };
      }
    }
    tensor.backend.write(tensor, values);
    grads[parameter].free();
  }
  return { relative, worst };
}
