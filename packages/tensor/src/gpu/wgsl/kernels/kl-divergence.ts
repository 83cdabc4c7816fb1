/**
 * The head with the loss of distillation, in chunks of rows: the logits of a chunk are two temporaries, of which one pass
 * makes the loss, and dlogits in the place of the student's. Memory is twice HELD logits, whatever rows and V are.
 */
import type { Build, Operand, Result, WgslPass } from "../../program.js";
import { assign } from "../into.js";
import {
  type Chunk,
  chunksOf,
  gradientsOf,
  type Head,
  headOf,
  type HeadNames,
  HELD,
  inTurn,
  logitsOf,
} from "./head.js";
import { kernel, mostOver, totalOver } from "../pass.js";
import type { ProductPasses } from "../product/product.js";
import type { Tuning } from "../tuning.js";

const TEACHER: HeadNames = {
  ...{ x: "teacherX", w: "teacherW", bias: "teacherBias", logits: "teacher's logits" },
};

/**
 * The loss of each row; with `gradient` the logits become dlogits, with zeros in the padding. The largest logit is taken off first, so that
 * large ones cost no digits. No product is taken from a product: fused, equal ones would not leave 0.
 */
function lossPass(
  { names, V, width }: Head,
  { first, rows }: Chunk,
  { loss, gradient }: { readonly loss: Result; readonly gradient: boolean },
  { rowThreads, lanes }: Tuning,
): WgslPass {
  const each = (body: string) => `for (var at = start + t; at < start + V; at += ${rowThreads}) { ${body} }`;
  return kernel({
    key: `kl-divergence${loss.add ? " add" : ""}${gradient ? " gradient" : ""} ${rowThreads}`,
    reads: { teacher: TEACHER.logits, ...(gradient ? { dloss: "dloss" } : { logits: names.logits }) },
    writes: { ...(gradient && { logits: names.logits }), loss: "loss" },
    uniforms: { V, width, first },
    lanes,
    code: () => `${mostOver(rowThreads, lanes)}${totalOver(rowThreads, lanes)}
@compute @workgroup_size(${rowThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let V = u32(u.V);
  let width = u32(u.width);
  let start = group.x * width;
  let n = u32(u.first) + group.x;
  var highest = vec2f(logits[start], teacher[start]);
  ${each("highest = max(highest, vec2f(logits[at], teacher[at]));")}
  let top = vec2f(most(highest.x, t), most(highest.y, t));
  var sum = vec2f(0.0);
  ${each("sum += exp(vec2f(logits[at], teacher[at]) - top);")}
  let lse = log(vec2f(total(sum.x, t), total(sum.y, t)));
  // All have read what they need of the logits of others before they are overwritten.
  workgroupBarrier();
  var divergence = 0.0;
  ${each(`
    let ln = vec2f(logits[at], teacher[at]) - top - lse;
    let probability = exp(ln);
    divergence += probability.y * (ln.y - ln.x);
    ${gradient ? "logits[at] = dloss[n] * (probability.x - probability.y);" : ""}
  `)}
  let nats = total(divergence, t);
  if (t == 0) { loss[n] ${assign(loss)} nats; }
  ${gradient ? "if (V + t < width) { logits[start + V + t] = 0.0; }" : ""}
}`,
    workgroups: [rows, 1, 1],
  });
}

interface Operands {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
  readonly teacherX: Operand;
  readonly teacherW: Operand;
  readonly teacherBias?: Operand | undefined;
}

/** The losses of all chunks; of each, `then` follows. */
function divergences(
  { x, w, bias, teacherX, teacherW, teacherBias }: Operands,
  { loss, held, gradient }: { readonly loss: Result; readonly held: number; readonly gradient: boolean },
  tuning: Tuning,
  then: (head: Head, chunk: Chunk) => readonly ProductPasses[] = () => [],
) {
  const head = headOf({ x, w, bias }, tuning);
  const teacher = headOf({ x: teacherX, w: teacherW, bias: teacherBias }, tuning, TEACHER);
  const parts = chunksOf(head, held).flatMap((chunk) => [
    logitsOf(head, chunk, tuning),
    logitsOf(teacher, chunk, tuning),
    { temporaries: {}, passes: [lossPass(head, chunk, { loss, gradient }, tuning)] },
    ...then(head, chunk),
  ]);
  return { derived: { ...head.weight.derived, ...teacher.weight.derived }, ...inTurn(parts) };
}

export const linearKlDivergenceBy =
  (held: number) =>
  (tuning: Tuning): Build<"linearKlDivergence"> =>
  (inputs, _attributes, { loss }) => ({
    adds: ["loss"],
    ...divergences(inputs, { loss, held, gradient: false }, tuning),
  });

export const linearKlDivergenceGradBy =
  (held: number) =>
  (tuning: Tuning): Build<"linearKlDivergenceGrad"> =>
  (inputs, _attributes, results) => ({
    adds: ["loss", "dx", "dw", "dbias"],
    ...divergences(inputs, { loss: results.loss, held, gradient: true }, tuning, (head, chunk) =>
      gradientsOf(head, chunk, results, tuning),
    ),
  });

export const linearKlDivergence = linearKlDivergenceBy(HELD);
export const linearKlDivergenceGrad = linearKlDivergenceGradBy(HELD);
