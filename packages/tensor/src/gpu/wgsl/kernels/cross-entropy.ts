/**
 * The head with its loss, and both with the gradient, in chunks of rows: the logits of a chunk are a temporary, made once,
 * which the gradient turns into dlogits in place. Memory is HELD logits, whatever rows and V are.
 */
import type { Build, Result, WgslPass } from "../../program.js";
import { type Chunk, chunksOf, gradientsOf, type Head, headOf, HELD, inTurn, logitsOf } from "./head.js";
import { assign } from "../into.js";
import { kernel, mostOver, totalOver } from "../pass.js";
import type { Tuning } from "../tuning.js";

/** The loss of each row of logits; with `grad`, the logits become dlogits, with zeros in the padding. */
function lossPass(
  { names, V, width }: Head,
  { first, rows }: Chunk,
  loss: Result,
  grad: boolean,
  { rowThreads, lanes }: Tuning,
): WgslPass {
  const each = (body: string) => `for (var c = t; c < V; c += ${rowThreads}) { ${body} }`;
  return kernel({
    key: `cross-entropy${grad ? " and gradient" : ""}${loss.add ? " add" : ""} ${rowThreads}`,
    reads: { targets: "targets", ...(grad && { dloss: "dloss" }) },
    writes: { logits: names.logits, loss: "loss" },
    uniforms: { V, width, first },
    lanes,
    code: () => `${mostOver(rowThreads, lanes)}${totalOver(rowThreads, lanes)}
@compute @workgroup_size(${rowThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let V = u32(u.V);
  let width = u32(u.width);
  let start = group.x * width;
  let n = u32(u.first) + group.x;
  var highest = logits[start];
  ${each("highest = max(highest, logits[start + c]);")}
  let top = most(highest, t);
  var sum = 0.0;
  ${each("sum += exp(logits[start + c] - top);")}
  let lse = top + log(total(sum, t));
  let hit = u32(targets[n]);
  if (t == 0) { loss[n] ${assign(loss)} lse - logits[start + hit]; }
  ${
    grad
      ? `// All have read what they need of the logits of others before they are overwritten.
  workgroupBarrier();
  ${each("logits[start + c] = dloss[n] * (exp(logits[start + c] - lse) - select(0.0, 1.0, c == hit));")}
  if (V + t < width) { logits[start + V + t] = 0.0; }`
      : ""
  }
}`,
    workgroups: [rows, 1, 1],
  });
}

export const linearCrossEntropyBy =
  (held: number) =>
  (tuning: Tuning): Build<"linearCrossEntropy"> =>
  (operands, _attributes, { loss }) => {
    const head = headOf(operands, tuning);
    const parts = chunksOf(head, held).flatMap((chunk) => [
      logitsOf(head, chunk, tuning),
      { temporaries: {}, passes: [lossPass(head, chunk, loss, false, tuning)] },
    ]);
    return { adds: ["loss"], derived: head.weight.derived, ...inTurn(parts) };
  };

export const linearCrossEntropyGradBy =
  (held: number) =>
  (tuning: Tuning): Build<"linearCrossEntropyGrad"> =>
  (operands, _attributes, results) => {
    const head = headOf(operands, tuning);
    const parts = chunksOf(head, held).flatMap((chunk) => [
      logitsOf(head, chunk, tuning),
      { temporaries: {}, passes: [lossPass(head, chunk, results.loss, true, tuning)] },
      ...gradientsOf(head, chunk, results, tuning),
    ]);
    return { adds: ["loss", "dx", "dw", "dbias"], derived: head.weight.derived, ...inTurn(parts) };
  };

export const linearCrossEntropy = linearCrossEntropyBy(HELD);
export const linearCrossEntropyGrad = linearCrossEntropyGradBy(HELD);
