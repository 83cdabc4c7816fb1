/** Softmax along N of (O,N,I), its logarithm (native/softmax.c), and their gradient (native/softmax-grad.c). */
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const softmaxOf = declare(
  "int softmax(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, int log)",
);
const gradOf = declare(
  "int softmax_grad(engine *e, float *dx, const float *dy, const float *y, int64_t O, int64_t N, int64_t I, int log)",
);

export const softmax: Implementation<"softmax"> = {
  run(engine, { x }, { log }, { y }) {
    const [O, N, I] = x.shape as readonly [number, number, number];
    engine.call(softmaxOf, y.pointer, x.pointer, O, N, I, flag(log));
  },
};

export const softmaxGrad: Implementation<"softmaxGrad"> = {
  run(engine, { dy, y }, { log }, { dx }) {
    const [O, N, I] = y.shape as readonly [number, number, number];
    engine.call(gradOf, dx.pointer, dy.pointer, y.pointer, O, N, I, flag(log));
  },
};
