import type { Tensor } from "@normless/tensor";

/** What `use` makes of a tensor that is of no use afterwards: it is freed, also when `use` throws. */
export function spend<R>(tensor: Tensor, use: (tensor: Tensor) => R): R {
  try {
    return use(tensor);
  } finally {
    tensor.free();
  }
}
