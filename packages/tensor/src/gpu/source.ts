/**
 * Text of kernels for gpu.js. Kernels are strings, since bundlers rewrite functions; shapes are literals in them, since
 * gpu.js ends a loop whose bound is anything else after 1,000 rounds. Sums go in blocks, since a plain float32 sum of
 * tens of thousands of values is off by 1e-4.
 */
import type { JsPass, Read } from "./program.js";

/** Values that are added up one after the other, before their sum joins others. */
export const BLOCK = 256;

/** For `reads`: the buffer is indexed as `a[i]`, not in rows. */
export const FLAT = 0;

/** The kernel's own column in its output. */
export const X = "this.thread.x";
/** The kernel's own row in its output. */
export const Y = "this.thread.y";

/** A kernel's text and what it reads and writes. */
export interface PassText {
  readonly output: readonly [number] | readonly [number, number];
  /** Each buffer read, by name, and the width of its rows or FLAT. The kernel's first arguments. */
  readonly reads: Readonly<Record<string, number>>;
  readonly writes: string;
  /** Numbers that may change without a new compile, by name. The kernel's last arguments. */
  readonly floats?: Readonly<Record<string, number>>;
  /** Statements that return the value at (x,y) of the output. */
  readonly body: string;
}

/** A pass of `op`, named by all that it is compiled from. */
export function pass(op: string, { output, reads, writes, floats = {}, body }: PassText): JsPass {
  const names = Object.keys(reads);
  const source = `function (${[...names, ...Object.keys(floats)].join(", ")}) {\n${body}\n}`;
  return {
    kind: "gpu.js",
    key: [`${op}.${writes} [${output.join(",")}]`, Object.values(reads).join(","), source].join("\n"),
    source,
    output,
    reads: names.map((name): Read => (reads[name] === FLAT ? { name } : { name, width: reads[name] })),
    writes,
    floats: Object.values(floats),
  };
}

/**
 * Statements that declare `name` and add to it in blocks: `step(i, part)` gives those for index i, which add to the
 * variable called `part`.
 */
export function accumulate(name: string, count: number, step: (i: string, part: string) => string): string {
  const i = `${name}_i`;
  if (count <= BLOCK) {
    return `let ${name} = 0; for (let ${i} = 0; ${i} < ${count}; ${i}++) { ${step(i, name)} }`;
  }
  const [block, part, rest] = [`${name}_b`, `${name}_part`, `${name}_rest`];
  const whole = Math.floor(count / BLOCK);
  const loop = (into: string, from: number, to: number, at: string) =>
    `let ${into} = 0; for (let ${i} = ${from}; ${i} < ${to}; ${i}++) { ${step(at, into)} }`;
  return [
    `let ${name} = 0; for (let ${block} = 0; ${block} < ${whole}; ${block}++) {`,
    `${loop(part, 0, BLOCK, `(${block} * ${BLOCK} + ${i})`)} ${name} += ${part}; }`,
    count > whole * BLOCK ? `${loop(rest, whole * BLOCK, count, i)} ${name} += ${rest};` : "",
  ].join(" ");
}

/** Statements that declare `name` as the sum of `term(i)` over i from 0 to below `count`. */
export function sumOf(name: string, count: number, term: (i: string) => string): string {
  return accumulate(name, count, (i, part) => `${part} += ${term(i)};`);
}

/**
 * Statements that declare `name` as log Σ exp of what `value(i)` declares as `name_value`, for i from 0 to below
 * `count`, 1 at least; `where` leaves out all i but 0 for which it is false.
 */
export function logSumExp(
  name: string,
  count: number,
  value: (i: string) => string,
  where: (i: string) => string = () => "",
): string {
  const [i, v, max, sum] = [`${name}_i`, `${name}_value`, `${name}_max`, `${name}_sum`];
  const condition = where(i);
  return `let ${max} = 0; let ${sum} = 0;
    for (let ${i} = 0; ${i} < ${count}; ${i}++) {
      ${condition ? `if (${condition}) {` : ""}
      ${value(i)}
      if (${i} == 0) { ${max} = ${v}; ${sum} = 1; }
      else if (${v} > ${max}) { ${sum} = ${sum} * Math.exp(${max} - ${v}) + 1; ${max} = ${v}; }
      else { ${sum} = ${sum} + Math.exp(${v} - ${max}); }
      ${condition ? "}" : ""}
    }
    let ${name} = ${max} + Math.log(${sum});`;
}

/** Statements that declare `quotient` and `remainder` of the whole number `value`; exact below 2^23. */
export function divide(value: string, divisor: number, quotient: string, remainder: string): string {
  return (
    `let ${quotient} = Math.floor((${value} + 0.5) / ${divisor}); ` +
    `let ${remainder} = ${value} - ${quotient} * ${divisor};`
  );
}

/**
 * The first stage of a reduction: one sum for each block of the values of buffers of `size`. They are read in rows of
 * a block, so `step` gives the statements for the value of each at `a${at}`, adding to the variable called `sum`.
 */
export function blockSums(
  op: string,
  spec: {
    readonly size: number;
    readonly blocked: readonly string[];
    readonly flat?: readonly string[];
    readonly writes: string;
  },
  step: (at: string) => string,
): JsPass {
  const { size, blocked, flat = [], writes } = spec;
  const widths = [...blocked.map((name) => [name, BLOCK]), ...flat.map((name) => [name, FLAT])];
  const blocks = blocksOf(size);
  const statements = step(`[${X}][i]`);
  const last = size - (blocks - 1) * BLOCK;
  const guarded = last === BLOCK ? statements : `if (${X} < ${blocks - 1} || i < ${last}) { ${statements} }`;
  return pass(op, {
    output: [blocks],
    reads: Object.fromEntries(widths) as Record<string, number>,
    writes,
    body: `let sum = 0; for (let i = 0; i < ${BLOCK}; i++) { ${guarded} } return sum;`,
  });
}

/** How many blocks of BLOCK hold `size` values. */
export const blocksOf = (size: number): number => Math.ceil(size / BLOCK);
