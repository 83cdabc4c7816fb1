/** Sorting along N of (O,N,I) (native/sort.c). */
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const sortOf = declare(
  "int sort(engine *e, int32_t *values, int32_t *indices, const int32_t *x, int64_t O, int64_t N, int64_t I, " +
    "int whole, int descending)",
);

export const sort: Implementation<"sort"> = {
  run(engine, { x }, { descending }, { values, indices }) {
    const [O, N, I] = x.shape as readonly [number, number, number];
    const kind = [flag(x.dtype === "int32"), flag(descending)];
    engine.call(sortOf, values.pointer, indices.pointer, x.pointer, O, N, I, ...kind);
  },
};
