import { checkClassValues } from "./checks.js";
import type { Implementation } from "./implementation.js";

export const classMean: Implementation<"classMean"> = {
  check: (engine, { classes }) => checkClassValues(engine, "classMean", classes),
  run(engine, { values, classes }, _attributes, { mean, count }) {
    engine.run("classMean", 1, 0, [
      values.pointer,
      classes.pointer,
      mean.pointer,
      count.pointer,
      values.size,
    ]);
  },
};

export const stdSpread: Implementation<"stdSpread"> = {
  run(engine, { std, classes }, _attributes, { loss, target }) {
    engine.run("stdSpread", 1, 0, [std.pointer, classes.pointer, loss.pointer, target.pointer, std.size]);
  },
};

export const stdSpreadGrad: Implementation<"stdSpreadGrad"> = {
  run(engine, { dloss, std, target }, _attributes, { dstd }) {
    engine.run("stdSpreadGrad", 1, 0, [dloss.pointer, std.pointer, target.pointer, dstd.pointer, std.size]);
  },
};
