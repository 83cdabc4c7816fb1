/** Statistics of stds by position class, and the loss that keeps them together (native/std-spread.c). */
import { declare } from "../library.js";
import { checkClassValues } from "./checks.js";
import type { Implementation } from "./implementation.js";

const meanOf = declare(
  "int class_mean(engine *e, float *mean, float *count, const float *values, const int32_t *classes, int64_t N)",
);
const spread = declare(
  "int std_spread(engine *e, float *loss, float *target, const float *std, const int32_t *classes, int64_t N)",
);
const spreadGrad = declare(
  "int std_spread_grad(engine *e, float *dstd, const float *dloss, const float *std, const float *target, int64_t N)",
);

export const classMean: Implementation<"classMean"> = {
  check: (engine, { classes }) => checkClassValues(engine, "classMean", classes),
  run(engine, { values, classes }, _attributes, { mean, count }) {
    engine.call(meanOf, mean.pointer, count.pointer, values.pointer, classes.pointer, values.size);
  },
};

export const stdSpread: Implementation<"stdSpread"> = {
  run(engine, { std, classes }, _attributes, { loss, target }) {
    engine.call(spread, loss.pointer, target.pointer, std.pointer, classes.pointer, std.size);
  },
};

export const stdSpreadGrad: Implementation<"stdSpreadGrad"> = {
  run(engine, { dloss, std, target }, _attributes, { dstd }) {
    engine.call(spreadGrad, dstd.pointer, dloss.pointer, std.pointer, target.pointer, std.size);
  },
};
