/** Checks of options and of gradients. */
import { BackendError, sameShape, ShapeError, type Tensor } from "@normless/tensor";

/** That `value` is a finite number from 0 up. @throws RangeError */
export function checkFinite(what: string, value: number): void {
  check(value >= 0 && value < Infinity, what, value, "a finite number from 0 up");
}

/** That `value` is a whole number from 0 up. @throws RangeError */
export function checkCount(what: string, value: number): void {
  check(Number.isSafeInteger(value) && value >= 0, what, value, "a whole number from 0 up");
}

/** That `value`, which `what` names, is `range`. @throws RangeError when it is not */
export function check(holds: boolean, what: string, value: number, range: string): void {
  if (!holds) throw new RangeError(`${what} is ${value}; it is ${range}`);
}

/** That there is a gradient of each parameter's shape. @throws BackendError or ShapeError naming the parameter */
export function checkGradients(
  what: string,
  params: Readonly<Record<string, Tensor>>,
  grads: Readonly<Record<string, Tensor | undefined>>,
): void {
  for (const [name, param] of Object.entries(params)) {
    const grad = grads[name];
    if (!grad) throw new BackendError(`${what}: parameter ${name} has no gradient`);
    if (sameShape(param.shape, grad.shape)) continue;
    throw new ShapeError(
      what,
      `the gradient of parameter ${name} is not of its shape`,
      { param: param.shape, grad: grad.shape },
      "Pass the gradients by the names of their own parameters.",
    );
  }
}
