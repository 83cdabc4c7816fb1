/**
 * h = x·w + bias and y = gelu(h) in one, the first half of GPT-2's MLP. Both are kept: y goes on, h is what the backward
 * pass needs (geluGrad, then the gradients of linear).
 */
import { contract, float32, KEPT } from "./contract.js";
import { gelu, type GeluAttributes } from "./gelu.js";
import { linear, linearShape } from "./linear.js";

/** Which form of GELU. */
export interface LinearGeluAttributes {
  /** The form of GELU. */
  readonly gelu: GeluAttributes["approximate"];
}

/** x (...,K), w (K,M), which may be bfloat16, bias (M) → h and y (...,M). */
export const linearGelu = contract<LinearGeluAttributes>()({
  inputs: ["x", "w", "bias"],
  dtypes: { w: KEPT },
  outputs: ["h", "y"],
  infer(operands) {
    const shape = linearShape("linearGelu", operands, {});
    return { h: float32(shape), y: float32(shape) };
  },
  naive(operands, attributes, { h, y }) {
    linear.naive(operands, {}, { y: h });
    gelu.naive({ x: h }, { approximate: attributes.gelu }, { y });
  },
});
