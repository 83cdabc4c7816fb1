/**
 * The language-model head with the loss of distillation (Hinton et al. 2015, arXiv 1503.02531, at temperature 1): how far
 * its prediction is from a teacher's, KL(p ‖ q) = Σ p·(ln p − ln q) in nats a token, with p = softmax of the teacher's
 * logits and q = softmax of its own. Neither's logits, (rows,V), are ever kept whole.
 */
import { ShapeError } from "../errors.js";
import { rowsOf } from "../shape.js";
import { contract, float32, type None } from "./contract.js";
import { addHeadGradient, checkHead, checkLossGradient, logitsOf, logSumExp } from "./head.js";

/**
 * x (...,C), w (V,C), bias? (V), and the teacher's teacherX (...,D), teacherW (V,D), teacherBias? (V) → loss (...) in nats
 * and, from the same logits, the gradient of Σ dloss·loss: dlogits = dloss·(q − p), of which come dx, dw and dbias. The
 * teacher gets none. Where both predict the same bits, loss and gradient are exactly 0.
 */
export const linearKlDivergence = contract<None>()({
  inputs: ["dloss", "x", "w", "teacherX", "teacherW"],
  optional: ["bias", "teacherBias"],
  outputs: ["loss", "dx", "dw", "dbias"],
  infer({ dloss, x, w, bias, teacherX, teacherW, teacherBias }) {
    checkHead("linearKlDivergence", x, w, bias);
    checkHead("linearKlDivergence (teacher)", teacherX, teacherW, teacherBias);
    checkLossGradient("linearKlDivergence", dloss, x);
    if (rowsOf(teacherX.shape) !== rowsOf(x.shape) || teacherW.shape[0] !== w.shape[0]) {
      throw new ShapeError("linearKlDivergence", "both heads have the same rows and the same V", {
        x: x.shape,
        w: w.shape,
        teacherX: teacherX.shape,
        teacherW: teacherW.shape,
      });
    }
    const loss = float32(x.shape.slice(0, -1));
    return { loss, dx: float32(x.shape), dw: float32(w.shape), dbias: float32([w.shape[0]]) };
  },
  naive({ dloss, x, w, bias, teacherX, teacherW, teacherBias }, _attributes, { loss, dx, dw, dbias }) {
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const [logits, teacher] = [logitsOf(x, w, bias, n), logitsOf(teacherX, teacherW, teacherBias, n)];
      const [lse, teacherLse] = [logSumExp(logits), logSumExp(teacher)];
      const dlogits = logits.map((logit, t) => {
        const [lnP, lnQ] = [teacher[t] - teacherLse, logit - lse];
        loss.data[n] += Math.exp(lnP) * (lnP - lnQ);
        return dloss.data[n] * (Math.exp(lnQ) - Math.exp(lnP));
      });
      addHeadGradient(dlogits, n, { x, w }, { dx, dw, dbias });
    }
  },
});
