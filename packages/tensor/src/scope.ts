/**
 * Blocks at whose end the tensors that functions made in them go, but for those that they return. What the port gives
 * (Backend's run, upload and reshape) is its caller's in any case.
 */
import { BackendError } from "./errors.js";

interface Owned {
  readonly freed: boolean;
  free(): void;
}

let innermost: Set<Owned> | undefined;

/** The tensor, which the scope around, if there is one, will free. So begins what functions make. */
export function enroll<T extends Owned>(tensor: T): T {
  innermost?.add(tensor);
  return tensor;
}

/** No scope will free this tensor, which was made in the one around: it has found another owner, such as a tape. */
export function withdraw(tensor: Owned): void {
  innermost?.delete(tensor);
}

/**
 * What `body` returns. Tensors that functions of tensors made in it, on any backend, are freed at its end, also when it throws;
 * those in what it returns (a tensor, or arrays and plain objects of them) are not, and belong to the scope around it, if
 * there is one. What Backend's own methods give stays its caller's to free.
 * @throws BackendError when `body` returns a promise: what it makes after its first `await` would be nobody's.
 */
export function scope<R>(body: () => R): R {
  const outer = innermost;
  const made = new Set<Owned>();
  innermost = made;
  try {
    const result = body();
    if (result instanceof Promise) {
      throw new BackendError("scope: the function is asynchronous; read after it, from what it returns");
    }
    release(result, made, outer);
    return result;
  } finally {
    innermost = outer;
    for (const tensor of made) if (!tensor.freed) tensor.free();
  }
}

/** Takes the tensors in `value` out of `made` and gives them to the scope around. */
function release(value: unknown, made: Set<Owned>, outer: Set<Owned> | undefined): void {
  if (typeof value !== "object" || value === null) return;
  if (made.delete(value as Owned)) {
    outer?.add(value as Owned);
    return;
  }
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    for (const part of Object.values(value)) release(part, made, outer);
  }
}
