/** Sums of products by Einstein's convention, over matmul. */
import { ShapeError } from "@normless/tensor";
import { backendAmong, compose, constantBeside, type Result } from "../apply.js";
import type { Value } from "../tape.js";
import { eq, mul } from "./binary.js";
import { arange } from "./indexing.js";
import { matmul } from "./products.js";
import { sum } from "./reductions.js";
import { expand, permute, reshape } from "./shape.js";
import { cast } from "./unary.js";

/** A value with a letter for each dimension. */
interface Labelled {
  readonly x: Value;
  readonly labels: readonly string[];
}

/**
 * Each letter is a dimension: `bij,bjk->bik` multiplies stacks of matrices; letters that the result lacks are summed over; the
 * same letter twice in one operand takes its diagonal; `...` are the dimensions in front, which broadcast. Without an arrow
 * the result has the letters that come once, in alphabetical order.
 * @throws ShapeError naming the formula and the letter where it and the operands do not fit
 */
export function einsum<X extends Value>(formula: string, ...operands: readonly X[]): Result<X> {
  return compose("einsum", operands, (...values) => {
    const { inputs, output } = parse(formula, values);
    const sizes = sizesOf(formula, inputs);
    const later = (i: number) => new Set([...output, ...inputs.slice(i).flatMap(({ labels }) => labels)]);
    let product = reduceTo(diagonal(inputs[0]), later(1));
    for (let i = 1; i < inputs.length; i++) {
      const next = reduceTo(diagonal(inputs[i]), new Set([...product.labels, ...later(i + 1)]));
      product = pair(
        reduceTo(product, new Set([...next.labels, ...later(i + 1)])),
        next,
        later(i + 1),
        sizes,
      );
    }
    const whole = reduceTo(product, new Set(output));
    return permute(
      whole.x,
      output.map((label) => whole.labels.indexOf(label)),
    );
  });
}

/** Letters of the dimensions that `...` stands for, from the last one. */
const FRONT = "0123456789";

function parse(formula: string, operands: readonly Value[]): { inputs: Labelled[]; output: string[] } {
  const [left, right, ...more] = formula.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  const shapes = Object.fromEntries(operands.map(({ shape }, i) => [`operand ${i}`, shape]));
  const wrong = (problem: string) => new ShapeError("einsum", `${formula}: ${problem}`, shapes);
  if (more.length > 0 || terms.length !== operands.length) {
    throw wrong(`it has ${terms.length} terms for ${operands.length} operands`);
  }
  let front = 0;
  const labelsOf = (term: string, rank: number): string[] => {
    const [before, after, ...rest] = term.split("...");
    if (rest.length > 0 || !/^[A-Za-z]*$/.test(before + (after ?? "")))
      throw wrong(`${term} is not letters and one ...`);
    const hidden = rank - before.length - (after?.length ?? 0);
    if (hidden < 0 || (after === undefined && hidden > 0))
      throw wrong(`${term} is not of ${rank} dimensions`);
    front = Math.max(front, hidden);
    return [...before, ...frontOf(hidden), ...(after ?? "")];
  };
  const inputs = operands.map((x, i) => ({ x, labels: labelsOf(terms[i], x.shape.length) }));
  const all = inputs.flatMap(({ labels }) => labels);
  if (right === undefined) {
    const once = [...new Set(all)].filter(
      (label) => /[A-Za-z]/.test(label) && all.indexOf(label) === all.lastIndexOf(label),
    );
    return { inputs, output: [...frontOf(front), ...once.sort()] };
  }
  const [before, after] = right.split("...");
  const output = [...before, ...(after === undefined ? [] : [...frontOf(front), ...after])];
  const odd = output.find((label, i) => !all.includes(label) || output.indexOf(label) !== i);
  if (odd !== undefined) throw wrong(`${odd} of the result is in no operand, or twice`);
  return { inputs, output };
}

const frontOf = (count: number): string[] => [...FRONT.slice(0, count)].reverse();

function sizesOf(formula: string, inputs: readonly Labelled[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { x, labels } of inputs) {
    labels.forEach((label, d) => {
      const [known = 1, size] = [sizes.get(label), x.shape[d]];
      if (known !== 1 && size !== 1 && known !== size) {
        const shapes = Object.fromEntries(inputs.map(({ x }, i) => [`operand ${i}`, x.shape]));
        throw new ShapeError("einsum", `${formula}: ${label} is ${known} and ${size}`, shapes);
      }
      sizes.set(label, known === 1 ? size : known);
    });
  }
  return sizes;
}

/** Each letter once: of a dimension and its double only where the two are at one place. */
function diagonal({ x, labels }: Labelled): Labelled {
  const first = labels.findIndex((label, d) => labels.indexOf(label) !== d);
  if (first < 0) return { x, labels };
  const at = labels.indexOf(labels[first]);
  const N = x.shape[at];
  const places = constantBeside(x, arange(backendAmong("einsum", [x]), N));
  const along = (d: number) =>
    reshape(
      places,
      x.shape.map((_, i) => (i === d ? N : 1)),
    );
  const same = cast(eq(along(at), along(first)), "float32");
  return diagonal({ x: sum(mul(x, same), first), labels: labels.filter((_, d) => d !== first) });
}

/** Without the letters that nobody asks for any more. */
function reduceTo({ x, labels }: Labelled, wanted: ReadonlySet<string>): Labelled {
  const gone = labels.map((_, d) => d).filter((d) => !wanted.has(labels[d]));
  return gone.length === 0
    ? { x, labels }
    : { x: sum(x, gone), labels: labels.filter((label) => wanted.has(label)) };
}

/** The product of two, summed over the letters that they share and nobody wants later. */
function pair(
  a: Labelled,
  b: Labelled,
  wanted: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): Labelled {
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const [stack, inner] = [shared.filter((l) => wanted.has(l)), shared.filter((l) => !wanted.has(l))];
  const [rows, columns] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label)));
  const sizeOf = (own: Labelled, label: string) =>
    (shared.includes(label) ? sizes.get(label) : own.x.shape[own.labels.indexOf(label)]) ?? 1;
  const arranged = (own: Labelled, groups: readonly (readonly string[])[]) => {
    const full = expand(
      own.x,
      own.labels.map((label) => sizeOf(own, label)),
    );
    const ordered = permute(
      full,
      groups.flat().map((label) => own.labels.indexOf(label)),
    );
    return reshape(
      ordered,
      groups.map((group) => group.reduce((size, label) => size * sizeOf(own, label), 1)),
    );
  };
  // Without a stack as plain matrices: that is the fastest product there is.
  const front = stack.length > 0 ? [stack] : [];
  const product = matmul(arranged(a, [...front, rows, inner]), arranged(b, [...front, inner, columns]));
  const shape = [
    ...[...stack, ...rows].map((label) => sizeOf(a, label)),
    ...columns.map((label) => sizeOf(b, label)),
  ];
  return { x: reshape(product, shape), labels: [...stack, ...rows, ...columns] };
}
