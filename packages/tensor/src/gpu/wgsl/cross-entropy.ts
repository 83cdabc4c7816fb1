/**
 * The head with its loss, forward and backward in chunks of the vocabulary: the logits of one chunk are a temporary,
 * made again in the gradient, so memory is rows×CHUNK instead of rows×V.
 */
import { lastDim, rowsOf } from "../../shape.js";
import type { Build, WgslPass } from "../program.js";
import { columnSums } from "./column-sums.js";
import { assign } from "./elementwise.js";
import { addBits } from "./layer-norm.js";
import { each, MOST } from "./pass.js";
import { product, type Tuning } from "./product.js";
import { channels, rowKernel } from "./rows.js";

/** Classes whose logits are held at a time; a multiple of 4. */
export const CHUNK = 4096;

/** Ranges of classes. */
function chunksOf(V: number): { begin: number; count: number }[] {
  return Array.from({ length: Math.ceil(V / CHUNK) }, (_, i) => ({
    begin: i * CHUNK,
    count: Math.min(CHUNK, V - i * CHUNK),
  }));
}

/** logits = x·w[begin…]ᵀ + bias, (rows,count). */
function logitsPass(
  rows: number,
  C: number,
  { begin, count }: { begin: number; count: number },
  bias: boolean,
  tuning: Tuning,
) {
  return product(
    {
      a: { buffer: "x", width: C, layout: "outer" },
      b: { buffer: "w", width: C, top: begin, layout: "outer" },
      c: { buffer: "logits", width: count },
      add: false,
      ...(bias && { bias: { buffer: "bias", left: begin } }),
      n: rows,
      m: count,
      k: C,
    },
    tuning,
  );
}

export const linearCrossEntropy =
  (tuning: Tuning): Build<"linearCrossEntropy"> =>
  ({ x, w, bias }, _attributes, { loss, lse }) => {
    const [V, C] = w.shape;
    const rows = rowsOf(x.shape);
    const passes: WgslPass[] = [];
    for (const chunk of chunksOf(V)) {
      passes.push(logitsPass(rows, C, chunk, bias !== undefined, tuning));
      passes.push(
        rowKernel(
          {
            key: `linearCrossEntropy chunk${chunk.begin === 0 ? " first" : ""}`,
            reads: { x: "logits", targets: "targets" },
            writes: { top: "top", weights: "weights", hit: "hit" },
            uniforms: { begin: chunk.begin },
          },
          rows,
          chunk.count,
          `var highest = x[row * C];
  ${channels("highest = max(highest, x[i]);")}
  let chunkTop = most(highest, t);
  var sum = 0.0;
  ${channels("sum += exp(x[i] - chunkTop);")}
  let chunkWeights = total(sum, t);
  if (t == 0) {
    let at = u32(targets[row]) - u32(u.begin);
    ${
      chunk.begin === 0
        ? "top[row] = chunkTop; weights[row] = chunkWeights; hit[row] = 0.0;"
        : `let both = max(top[row], chunkTop);
    weights[row] = weights[row] * exp(top[row] - both) + chunkWeights * exp(chunkTop - both);
    top[row] = both;`
    }
    // Below begin it wraps around to a large number.
    if (at < C) { hit[row] = x[row * C + at]; }
  }`,
          MOST,
        ),
      );
    }
    const end = each(
      {
        key: `linearCrossEntropy ${addBits(loss, lse)}`,
        reads: { top: "top", weights: "weights", hit: "hit" },
        writes: { loss: "loss", lse: "lse" },
      },
      rows,
      `let all = top[i] + log(weights[i]);
  lse[i] ${assign(lse)} all;
  loss[i] ${assign(loss)} all - hit[i];`,
    );
    return {
      adds: ["loss", "lse"],
      temporaries: { logits: rows * Math.min(V, CHUNK), top: rows, weights: rows, hit: rows },
      passes: [...passes, end],
    };
  };

export const linearCrossEntropyGrad =
  (tuning: Tuning): Build<"linearCrossEntropyGrad"> =>
  ({ x, w, bias }, _attributes, { dx, dw, dbias }) => {
    const [V, C] = w.shape;
    const rows = rowsOf(x.shape);
    const passes: WgslPass[] = [];
    const temporaries: Record<string, number> = { logits: rows * Math.min(V, CHUNK) };
    for (const chunk of chunksOf(V)) {
      const { begin, count } = chunk;
      const dlogits = { buffer: "logits", width: count };
      const bias2 = columnSums({
        key: "bias",
        reads: { dy: "logits" },
        rows,
        columns: count,
        sums: [{ value: `dy[n * ${count} + c]`, output: "dbias", add: dbias.add, left: begin }],
      });
      // The first chunk is the widest.
      if (begin === 0) Object.assign(temporaries, bias2.temporaries);
      passes.push(
        logitsPass(rows, C, chunk, bias !== undefined, tuning),
        each(
          {
            key: "linearCrossEntropyGrad logits",
            reads: { dloss: "dloss", targets: "targets", lse: "lse" },
            writes: { logits: "logits" },
            uniforms: { rows, begin, count },
          },
          rows * count,
          `let count = u32(u.count);
  let n = i / count;
  if (n >= u32(u.rows)) { return; }
  let hit = select(0.0, 1.0, u32(targets[n]) == i % count + u32(u.begin));
  logits[i] = dloss[n] * (exp(logits[i] - lse[n]) - hit);`,
        ),
        product(
          {
            a: { ...dlogits, layout: "outer" },
            b: { buffer: "w", width: C, top: begin, layout: "inner" },
            c: { buffer: "dx", width: C },
            add: dx.add || begin > 0,
            n: rows,
            m: C,
            k: count,
          },
          tuning,
        ),
        product(
          {
            a: { ...dlogits, layout: "inner" },
            b: { buffer: "x", width: lastDim(x.shape), layout: "inner" },
            c: { buffer: "dw", width: C, top: begin },
            add: dw.add,
            n: count,
            m: C,
            k: rows,
          },
          tuning,
        ),
        ...bias2.passes,
      );
    }
    return { adds: ["dx", "dw", "dbias"], temporaries, passes };
  };
