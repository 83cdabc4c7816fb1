/** Running sums along N of (O,N,I) (native/cumsum.c). */
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const cumsumOf = declare(
  "int cumsum(engine *e, float *y, const float *x, int64_t O, int64_t N, int64_t I, int reverse, int whole)",
);

export const cumsum: Implementation<"cumsum"> = {
  run(engine, { x }, { reverse }, { y }) {
    const [O, N, I] = x.shape as readonly [number, number, number];
    engine.call(cumsumOf, y.pointer, x.pointer, O, N, I, flag(reverse), flag(x.dtype === "int32"));
  },
};
