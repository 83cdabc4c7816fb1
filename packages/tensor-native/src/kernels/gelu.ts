/** GELU, its gradient, and GELU of a product (native/gelu.c). */
import { rowsOf } from "@normless/tensor";
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const geluOf = declare("int gelu(engine *e, float *y, const float *x, int64_t n, int tanh_form)");
const grad = declare(
  "int gelu_grad(engine *e, float *dx, const float *dy, const float *x, int64_t n, int tanh_form)",
);
const linear = declare(
  "int linear_gelu(engine *e, float *h, float *y, const float *x, const kept *w, const float *bias, int64_t rows, " +
    "int64_t K, int64_t M, int half, int tanh_form)",
);

export const gelu: Implementation<"gelu"> = {
  run(engine, { x }, { approximate }, { y }) {
    engine.call(geluOf, y.pointer, x.pointer, x.size, flag(approximate === "tanh"));
  },
};

export const geluGrad: Implementation<"geluGrad"> = {
  run(engine, { dy, x }, { approximate }, { dx }) {
    engine.call(grad, dx.pointer, dy.pointer, x.pointer, x.size, flag(approximate === "tanh"));
  },
};

export const linearGelu: Implementation<"linearGelu"> = {
  run(engine, { x, w, bias }, attributes, { h, y }) {
    const [K, M] = w.shape as [number, number];
    const tanhForm = flag(attributes.gelu === "tanh");
    engine.call(
      linear,
      h.pointer,
      y.pointer,
      x.pointer,
      w.pointer,
      bias.pointer,
      rowsOf(x.shape),
      K,
      M,
      flag(w.dtype === "bfloat16"),
      tanhForm,
    );
  },
};
