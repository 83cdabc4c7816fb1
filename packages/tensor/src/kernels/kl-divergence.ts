/**
 * The language-model head with the loss of distillation (Hinton et al. 2015, arXiv 1503.02531, at temperature 1): how far
 * its prediction is from a teacher's, KL(p ‖ q) = Σ p·(ln p − ln q) in nats a token, with p = softmax of the teacher's
 * logits and q = softmax of its own. Neither's logits, (rows,V), are ever kept whole.
 */
import { ShapeError } from "../errors.js";
import { rowsOf } from "../shape.js";
import { contract, float32, type None, type Operands, type Shaped, type View } from "./contract.js";
import { addHeadGradient, checkHead, checkLossGradient, logitsOf, logSumExp } from "./head.js";

function check(
  op: string,
  {
    x,
    w,
    bias,
    teacherX,
    teacherW,
    teacherBias,
  }: Operands<"x" | "w" | "teacherX" | "teacherW", "bias" | "teacherBias", Shaped>,
): void {
  checkHead(op, x, w, bias);
  checkHead(`${op} (teacher)`, teacherX, teacherW, teacherBias);
  if (rowsOf(teacherX.shape) === rowsOf(x.shape) && teacherW.shape[0] === w.shape[0]) return;
  throw new ShapeError(op, "both heads have the same rows and the same V", {
    x: x.shape,
    w: w.shape,
    teacherX: teacherX.shape,
    teacherW: teacherW.shape,
  });
}

/** The logarithms of p and q of row n, id by id. */
function logProbabilities(
  {
    x,
    w,
    bias,
    teacherX,
    teacherW,
    teacherBias,
  }: Operands<"x" | "w" | "teacherX" | "teacherW", "bias" | "teacherBias", View>,
  n: number,
) {
  const [logits, teacher] = [logitsOf(x, w, bias, n), logitsOf(teacherX, teacherW, teacherBias, n)];
  const [lse, teacherLse] = [logSumExp(logits), logSumExp(teacher)];
  return { lnP: teacher.map((logit) => logit - teacherLse), lnQ: logits.map((logit) => logit - lse) };
}

/**
 * x (...,C), w (V,C), bias? (V), and the teacher's teacherX (...,D), teacherW (V,D), teacherBias? (V) → loss (...) in
 * nats. Where both predict the same bits it is exactly 0.
 */
export const linearKlDivergence = contract<None>()({
  inputs: ["x", "w", "teacherX", "teacherW"],
  optional: ["bias", "teacherBias"],
  outputs: ["loss"],
  infer(inputs) {
    check("linearKlDivergence", inputs);
    return { loss: float32(inputs.x.shape.slice(0, -1)) };
  },
  naive(inputs, _attributes, { loss }) {
    for (let n = 0; n < rowsOf(inputs.x.shape); n++) {
      const { lnP, lnQ } = logProbabilities(inputs, n);
      lnP.forEach((ln, t) => (loss.data[n] += Math.exp(ln) * (ln - lnQ[t])));
    }
  },
});

/**
 * The loss again, and from the same logits the gradient of Σ dloss·loss: dlogits = dloss·(q − p), of which come dx, dw and
 * dbias. The teacher gets none. Where both predict the same bits, loss and gradient are exactly 0.
 */
export const linearKlDivergenceGrad = contract<None>()({
  inputs: ["dloss", "x", "w", "teacherX", "teacherW"],
  optional: ["bias", "teacherBias"],
  outputs: ["loss", "dx", "dw", "dbias"],
  infer({ dloss, ...inputs }) {
    const { x, w } = inputs;
    check("linearKlDivergenceGrad", inputs);
    checkLossGradient("linearKlDivergenceGrad", dloss, x);
    const loss = float32(x.shape.slice(0, -1));
    return { loss, dx: float32(x.shape), dw: float32(w.shape), dbias: float32([w.shape[0]]) };
  },
  naive({ dloss, ...inputs }, _attributes, { loss, dx, dw, dbias }) {
    for (let n = 0; n < rowsOf(inputs.x.shape); n++) {
      const { lnP, lnQ } = logProbabilities(inputs, n);
      const dlogits = lnP.map((ln, t) => {
        const [p, q] = [Math.exp(ln), Math.exp(lnQ[t])];
        loss.data[n] += p * (ln - lnQ[t]);
        return dloss.data[n] * (q - p);
      });
      addHeadGradient(dlogits, n, inputs, { dx, dw, dbias });
    }
  },
});
