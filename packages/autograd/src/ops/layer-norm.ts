/** LayerNorm and the per-token std, with gradients. */
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** x (...,C), gamma and beta (C) → (...,C). `eps` is added to the variance. */
export function layerNorm(x: Value, gamma: Value, beta: Value, eps = 1e-5): Variable {
  const tape = tapeOf("layerNorm", x, gamma, beta);
  const [xv, gv, bv] = [x, gamma, beta].map((value) => onTape(tape, value));
  const inputs = { x: xv.tensor, gamma: gv.tensor, beta: bv.tensor };
  const { y, mean, rstd } = tape.backend.run("layerNorm", inputs, { eps });
  return tape.record([y, mean, rstd], [xv, gv, bv], (dy, gradients) => {
    const saved = { dy, x: xv.tensor, gamma: gv.tensor, mean, rstd };
    gradients.add("layerNormGrad", saved, {}, { dx: xv, dgamma: gv, dbeta: bv });
  });
}

/** x (...,C) → (...): sqrt(biased variance + eps) of each token. */
export function rowStd(x: Value, eps = 1e-5): Variable {
  const tape = tapeOf("rowStd", x);
  const xv = onTape(tape, x);
  const { std } = tape.backend.run("rowStd", { x: xv.tensor }, { eps });
  return tape.record([std], [xv], (dstd, gradients) => {
    gradients.add("rowStdGrad", { dstd, x: xv.tensor, std }, {}, { dx: xv });
  });
}
