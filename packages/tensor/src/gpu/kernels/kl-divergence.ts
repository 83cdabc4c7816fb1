/**
 * The head with the loss of distillation, in chunks of rows: of a chunk, the logarithms of the probabilities are kept that
 * both models predict. The largest logit of a row is taken off first, so that large ones cost no digits.
 */
import { rowsOf } from "../../shape.js";
import type { Build, JsPass, Operand } from "../program.js";
import { blocksOf, FLAT, pass, sumOf, X, Y } from "../source.js";
import {
  blockLse,
  blockOf,
  type Chunk,
  chunksOf,
  gradientsOf,
  type Head,
  logitsOf,
  lossOf,
  rowLse,
  twinsOf,
} from "./head.js";

/** Into `writes`: the logarithms of the softmax of the head's logits. Equal logits give equal bits, whosever they are. */
function logProbabilities(head: Head, chunk: Chunk, writes: string): JsPass[] {
  const { op, V } = head;
  const { rows } = chunk;
  const blocks = blocksOf(V);
  const { size, id, where } = blockOf(V);
  const largest = (count: number, value: (i: string) => string, condition: string) =>
    `let top = ${value("0")};
      for (let i = 1; i < ${count}; i++) {
        ${condition ? `if (${condition})` : ""} { top = Math.max(top, ${value("i")}); }
      }
      return top;`;
  return [
    logitsOf(head, chunk),
    pass(op, {
      output: [blocks, rows],
      reads: { logits: V },
      writes: "partial",
      body: largest(size, (i) => `logits[${Y}][${id(i)}]`, where("i")),
    }),
    pass(op, {
      output: [rows],
      reads: { partial: blocks },
      writes: "top",
      body: largest(blocks, (i) => `partial[${X}][${i}]`, ""),
    }),
    pass(op, {
      output: [blocks, rows],
      reads: { logits: V, top: FLAT },
      writes: "partial",
      body: blockLse(V, (at) => `let lse_value = logits[${Y}][${at}] - top[${Y}];`),
    }),
    rowLse(op, rows, V),
    pass(op, {
      output: [V, rows],
      reads: { logits: V, top: FLAT, lse: FLAT },
      writes,
      body: `return logits[${Y}][${X}] - top[${Y}] - lse[${Y}];`,
    }),
  ];
}

/** What each block of ids adds to the loss of a row. */
function blockLosses(op: string, { rows }: Chunk, V: number): JsPass {
  const { size, id, where } = blockOf(V);
  const term = `let p = lnP[${Y}][${id("i")}]; sum += Math.exp(p) * (p - lnQ[${Y}][${id("i")}]);`;
  return pass(op, {
    output: [blocksOf(V), rows],
    reads: { lnP: V, lnQ: V },
    writes: "partial",
    body: `let sum = 0;
      for (let i = 0; i < ${size}; i++) { ${where("i") ? `if (${where("i")})` : ""} { ${term} } }
      return sum;`,
  });
}

interface Operands {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
  readonly teacherW: Operand;
  readonly teacherBias?: Operand | undefined;
}

/** Both heads, the chunks of rows, the passes from logits to losses of a chunk, and the buffers of these. */
function divergences(op: string, { x, w, bias, teacherW, teacherBias }: Operands, limit: number) {
  const [V, C] = w.shape;
  const blocks = blocksOf(V);
  const head: Head = { op, x: "x", w: "w", bias: bias && "bias", V, C };
  const teacher: Head = {
    ...{ op, x: "teacherX", w: "teacherW", bias: teacherBias && "teacherBias" },
    ...{ V, C: teacherW.shape[1] },
  };
  const { chunks, most } = chunksOf(rowsOf(x.shape), V, limit);
  const losses = (chunk: Chunk): JsPass[] => [
    ...logProbabilities(head, chunk, "lnQ"),
    ...logProbabilities(teacher, chunk, "lnP"),
    blockLosses(op, chunk, V),
    lossOf(
      head,
      chunk,
      { partial: blocks },
      sumOf("result", blocks, (i) => `partial[n][${i}]`),
    ),
  ];
  const temporaries = {
    ...{ logits: most * V, lnQ: most * V, lnP: most * V },
    ...{ partial: most * blocks, top: most, lse: most },
  };
  return { head, chunks, losses, temporaries };
}

/** With at most so many logits of each model at once (but a row's, at least). */
export const linearKlDivergenceBy =
  (limit: number): Build<"linearKlDivergence"> =>
  (inputs) => {
    const { chunks, losses, temporaries } = divergences("linearKlDivergence", inputs, limit);
    const twin = chunks.length > 1 && { lossBefore: rowsOf(inputs.x.shape) };
    return { temporaries: { ...temporaries, ...twin }, passes: chunks.flatMap(losses) };
  };

/** The same. */
export const linearKlDivergenceGradBy =
  (limit: number): Build<"linearKlDivergenceGrad"> =>
  (inputs) => {
    const op = "linearKlDivergenceGrad";
    const { head, chunks, losses, temporaries } = divergences(op, inputs, limit);
    const { V } = head;
    const passes = chunks.flatMap((chunk): JsPass[] => [
      ...losses(chunk),
      // Nobody needs the logits any more: their gradient takes their place.
      pass(op, {
        output: [V, chunk.rows],
        reads: { dloss: FLAT, lnP: V, lnQ: V },
        writes: "logits",
        floats: { first: chunk.first },
        body: `return (Math.exp(lnQ[${Y}][${X}]) - Math.exp(lnP[${Y}][${X}])) * dloss[${Y} + first];`,
      }),
      ...gradientsOf(head, chunk, "logits"),
    ]);
    return { temporaries: { ...temporaries, ...twinsOf(inputs, chunks) }, passes };
  };

/** Three times 64 MiB: the logits, and what both models make of them. */
export const linearKlDivergence = linearKlDivergenceBy(1 << 24);
export const linearKlDivergenceGrad = linearKlDivergenceGradBy(1 << 24);
