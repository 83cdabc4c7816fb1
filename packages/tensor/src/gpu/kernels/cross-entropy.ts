/**
 * The head and its loss. Forward, a thread goes through 256 ids of a row, so that rows × V/256 values are kept for a
 * while; backward, logits are made for some rows at a time, and serve the loss and the gradient.
 */
import { rowsOf } from "../../shape.js";
import type { Build, JsPass } from "../program.js";
import { blocksOf, FLAT, pass, sumOf, X, Y } from "../source.js";
import { blockLse, chunksOf, gradientsOf, type Head, logitsOf, lossOf, rowLse, twinsOf } from "./head.js";

export const linearCrossEntropy: Build<"linearCrossEntropy"> = ({ x, w, bias }) => {
  const op = "linearCrossEntropy";
  const N = rowsOf(x.shape);
  const [V, C] = w.shape;
  const blocks = blocksOf(V);
  const product = (name: string, n: string, id: string) =>
    sumOf(name, C, (c) => `x[${n}][${c}] * w[${id}][${c}]`);
  return {
    temporaries: { partial: N * blocks, lse: N },
    passes: [
      pass(op, {
        output: [blocks, N],
        reads: { x: C, w: C, ...(bias && { bias: FLAT }) },
        writes: "partial",
        body: blockLse(
          V,
          (id) => `${product("logit", Y, id)} let lse_value = logit${bias ? ` + bias[${id}]` : ""};`,
        ),
      }),
      rowLse(op, N, V),
      pass(op, {
        output: [N],
        reads: { x: C, w: C, ...(bias && { bias: FLAT }), targets: FLAT, lse: FLAT },
        writes: "loss",
        body: `${product("logit", X, `targets[${X}]`)}
          return lse[${X}] - logit${bias ? ` - bias[targets[${X}]]` : ""};`,
      }),
    ],
  };
};

/** The loss and its gradient with at most so many logits at once (but a row's, at least). */
export const linearCrossEntropyGradBy =
  (limit: number): Build<"linearCrossEntropyGrad"> =>
  ({ x, w, bias }) => {
    const op = "linearCrossEntropyGrad";
    const [V, C] = w.shape;
    const blocks = blocksOf(V);
    const head: Head = { op, x: "x", w: "w", bias: bias && "bias", V, C };
    const { chunks, most } = chunksOf(rowsOf(x.shape), V, limit);
    const passes = chunks.flatMap((chunk): JsPass[] => {
      const { first, rows } = chunk;
      return [
        logitsOf(head, chunk),
        pass(op, {
          output: [blocks, rows],
          reads: { logits: V },
          writes: "partial",
          body: blockLse(V, (id) => `let lse_value = logits[${Y}][${id}];`),
        }),
        rowLse(op, rows, V),
        lossOf(
          head,
          chunk,
          { logits: V, lse: FLAT, targets: FLAT },
          `let result = lse[n] - logits[n][targets[${X}]];`,
        ),
        pass(op, {
          output: [V, rows],
          reads: { dloss: FLAT, logits: V, lse: FLAT, targets: FLAT },
          writes: "dlogits",
          floats: { first },
          body: `let g = Math.exp(logits[${Y}][${X}] - lse[${Y}]);
            if (Math.abs(targets[${Y} + first] - ${X}) < 0.5) { g = g - 1; }
            return g * dloss[${Y} + first];`,
        }),
        ...gradientsOf(head, chunk, "dlogits"),
      ];
    });
    return {
      temporaries: {
        ...{ logits: most * V, dlogits: most * V, partial: most * blocks, lse: most },
        ...twinsOf({ x, w }, chunks),
      },
      passes,
    };
  };

/** 64 MiB of logits, and as much of their gradient. */
export const linearCrossEntropyGrad = linearCrossEntropyGradBy(1 << 24);
