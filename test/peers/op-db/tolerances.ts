/** How far our values may be from PyTorch's, of the largest one. */

const TOLERANCE = 1e-5;

/** Ops in which float32 alone makes more of a difference. */
const wider: Readonly<Record<string, number>> = {
  // A softmax that is all but one value: PyTorch's own float32 is 2.5e-5 from its float64 there.
  "nn.functional.scaled_dot_product_attention": 5e-5,
};

export const toleranceOf = (op: string): number => wider[op] ?? TOLERANCE;
