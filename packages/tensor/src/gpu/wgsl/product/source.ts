/** The WGSL of the matrix products of product.ts: written out without loops over blocks, so that all of it stays in registers. */
import type { GeluAttributes } from "../../../kernels/gelu.js";
import { GELU } from "../source/gelu.js";
import { BUILTINS, GROUP } from "../pass.js";
import type { Layout } from "./variant.js";

/** How values of c are finished. */
export interface StoreForm {
  /** c is written in vectors of four. */
  readonly wide: boolean;
  readonly add: boolean;
  readonly bias: boolean;
  /** y gets GELU of what c gets. */
  readonly gelu: GeluAttributes["approximate"] | undefined;
}

/** All that the source depends on. */
export interface Form {
  /** A thread computes 4·blocks rows by 4·blocks columns. */
  readonly blocks: 1 | 2;
  readonly a: Layout;
  readonly b: Layout;
  /** a and b are read in vectors of four. */
  readonly wide: boolean;
  /** The summed dimension is no multiple of four. */
  readonly ragged: boolean;
  /** b is float16, two values in a word. */
  readonly half: boolean;
  /** A workgroup sums the piece of k that its z says, into rows of c of its own. */
  readonly split: boolean;
  /** Or it has the matrices that its z says, of a stack. */
  readonly stacked: boolean;
  readonly store: StoreForm;
}

const FOUR = [0, 1, 2, 3] as const;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const lines = (parts: readonly string[]) => parts.join("\n  ");

/** The uniforms as whole numbers; places inside a and b are counted in their elements. */
function sizes({ wide, split, stacked }: Form): string {
  const per = wide ? " / 4" : "";
  return lines([
    ...["n", "m"].map((name) => `let ${name.toUpperCase()} = u32(u.${name});`),
    split ? "let begin = group.z * u32(u.piece);" : "let begin = 0u;",
    split ? "let K = min(u32(u.k), begin + u32(u.piece));" : "let K = u32(u.k);",
    ...["a", "b"].flatMap((name) => [
      `let ${name}Width = u32(u.${name}Width)${per};`,
      `let ${name}Top = u32(u.${name}Top)${stacked ? ` + group.z * u32(u.${name}Step)` : ""};`,
      `let ${name}Left = u32(u.${name}Left)${per};`,
    ]),
  ]);
}

/**
 * `let`s of where the block `block` of an operand begins, from its outer index `outer`. Beyond the edge the last rows
 * stand in: what is computed of them is not stored.
 */
function places(form: Form, name: "a" | "b", block: string, outer: string): string {
  const limit = name === "a" ? "N" : "M";
  const { wide } = form;
  if (form[name] === "outer") {
    return lines(
      FOUR.map(
        (i) =>
          `let ${block}at${i} = (min(${outer} + ${i}, ${limit} - 1) + ${name}Top) * ${name}Width + ${name}Left;`,
      ),
    );
  }
  if (wide) return `let ${block}at0 = min(${outer}, ${limit} - 1) / 4 + ${name}Left;`;
  return lines(FOUR.map((i) => `let ${block}at${i} = min(${outer} + ${i}, ${limit} - 1) + ${name}Left;`));
}

/** `let`s of four vectors along the outer dimension, `block0` to `block3`, for k and the three after it. */
function loads(form: Form, name: "a" | "b", block: string, k: string): string {
  const { wide, ragged } = form;
  // Beyond the last k both operands are 0.
  const guard = (value: string, i: number, zero: string) =>
    ragged ? `select(${zero}, ${value}, ${k} + ${i} < K)` : value;
  const value = (at: string) => (name === "b" && form.half ? `half(${at})` : `${name}[${at}]`);
  const row = (i: number) => `(${k} + ${i} + ${name}Top) * ${name}Width`;
  if (form[name] === "outer") {
    if (wide) {
      return lines([
        ...FOUR.map((i) => `let ${block}r${i} = ${value(`${block}at${i} + (${k}) / 4`)};`),
        ...FOUR.map((i) => `let ${block}${i} = vec4f(${FOUR.map((j) => `${block}r${j}[${i}]`).join(", ")});`),
      ]);
    }
    const one = (i: number) =>
      FOUR.map((j) => guard(value(`${block}at${j} + ${k} + ${i}`), i, "0.0")).join(", ");
    return lines(FOUR.map((i) => `let ${block}${i} = vec4f(${one(i)});`));
  }
  if (wide)
    return lines(
      FOUR.map((i) => `let ${block}${i} = ${guard(value(`${row(i)} + ${block}at0`), i, "vec4f()")};`),
    );
  const one = (i: number) => FOUR.map((j) => guard(value(`${row(i)} + ${block}at${j}`), i, "0.0")).join(", ");
  return lines(FOUR.map((i) => `let ${block}${i} = vec4f(${one(i)});`));
}

/** `half(i)`: the vector or value i of b. */
function halves({ wide, half }: Form): string {
  if (!half) return "";
  return wide
    ? "fn half(i: u32) -> vec4f { let pair = b[i]; return vec4f(unpack2x16float(pair.x), unpack2x16float(pair.y)); }"
    : "fn half(i: u32) -> f32 { return unpack2x16float(b[i / 2])[i % 2]; }";
}

/**
 * WGSL for four values of one row, which are at `at` in c: `started` gives a first sum its bias and what c has, `put` writes
 * the last.
 */
function finishing({ wide, add, bias, gelu }: StoreForm): string {
  const value = bias
    ? `(sum + vec4f(${FOUR.map((i) => `bias[u32(u.biasLeft) + column + ${i}]`).join(", ")}))`
    : "sum";
  const before = wide ? "c[at / 4]" : `vec4f(${FOUR.map((i) => `c[at + ${i}]`).join(", ")})`;
  const curve = (i: number) => `value_${gelu}(sum[${i}])`;
  const all = `c[at / 4] = sum;${gelu ? ` y[at / 4] = vec4f(${FOUR.map(curve).join(", ")});` : ""}`;
  const one = (i: number) =>
    `if (column + ${i} < u32(u.m)) { c[at + ${i}] = sum[${i}];${gelu ? ` y[at + ${i}] = ${curve(i)};` : ""} }`;
  return `${gelu ? GELU : ""}
fn place(row: u32, column: u32) -> u32 { return (row + u32(u.cTop)) * u32(u.cWidth) + column + u32(u.cLeft); }
fn started(at: u32, column: u32, sum: vec4f) -> vec4f { return ${add ? `${before} + ` : ""}${value}; }
fn put(at: u32, column: u32, sum: vec4f) {
  ${wide ? all : lines(FOUR.map(one))}
}`;
}

/** `store(row, column, sum, z)`: a row's four values are finished, or, of a split product, kept as they are. */
function store({ store: form, split, stacked }: Form): string {
  return `${finishing(form)}
fn store(row: u32, column: u32, sum: vec4f, z: u32) {
  if (row >= u32(u.n) || column >= u32(u.m)) { return; }
  let at = place(${split || stacked ? "z * u32(u.n) + row" : "row"}, column);
  put(at, column, started(at, column, sum));
}`;
}

/** The second stage of a split product: a thread adds up four values of all pieces. */
export function sumOfPieces(form: StoreForm): string {
  return `${finishing(form)}
@compute @workgroup_size(64)
fn main(${BUILTINS}) {
  let i = ${GROUP} * 64 + t;
  let vectors = u32(u.width) / 4;
  let row = i / vectors;
  let column = i % vectors * 4;
  if (row >= u32(u.n)) { return; }
  let at = place(row, column);
  var sum = started(at, column, pieces[i]);
  for (var piece = 1u; piece < u32(u.count); piece++) { sum += pieces[piece * u32(u.n) * vectors + i]; }
  put(at, column, sum);
}`;
}

/** Every (row of blocks i, row r in it, column of blocks j): one vector of four sums each. */
function accumulators(blocks: number) {
  return range(blocks).flatMap((i) =>
    range(blocks).flatMap((j) => FOUR.map((r) => ({ i, j, r, name: `s${i}${j}${r}` }))),
  );
}

function declare(blocks: number): string {
  return lines(accumulators(blocks).map(({ name }) => `var ${name} = vec4f();`));
}

/** Adds the products of one k, from vectors whose names `a` and `b` give. */
function multiply(blocks: number, a: (i: number) => string, b: (j: number) => string): string {
  return lines(accumulators(blocks).map(({ i, j, r, name }) => `${name} += ${a(i)}[${r}] * ${b(j)};`));
}

function stores(blocks: number, spread: number): string {
  return lines(
    accumulators(blocks).map(
      ({ i, j, r, name }) => `store(row + ${i * spread + r}, column + ${j * spread}, ${name}, group.z);`,
    ),
  );
}

/** 16×16 threads and tiles of both operands, 16 KiB together; half of the threads load one, half the other, a 4×4 block each. */
export function tiled(form: Form): string {
  const { blocks } = form;
  const [outer, depth] = [64 * blocks, 32 / blocks];
  const vectors = outer / 4;
  const fill = (name: "a" | "b", first: string) => `
      ${places(form, name, "p", `${first} + o * 4`)}
      if (k < K) {
        ${loads(form, name, "p", "k")}
        ${lines(FOUR.map((i) => `tile_${name}[(q + ${i}) * ${vectors} + o] = p${i};`))}
      } else {
        ${lines(FOUR.map((i) => `tile_${name}[(q + ${i}) * ${vectors} + o] = vec4f();`))}
      }`;
  const shared = range(blocks).map(
    (i) =>
      `let a${i} = tile_a[k * ${vectors} + ty + ${16 * i}]; let b${i} = tile_b[k * ${vectors} + tx + ${16 * i}];`,
  );
  return `
var<workgroup> tile_a: array<vec4f, ${vectors * depth}>;
var<workgroup> tile_b: array<vec4f, ${vectors * depth}>;
${halves(form)}${store(form)}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  ${sizes(form)}
  let tx = t % 16;
  let ty = t / 16;
  let row = group.y * ${outer} + ty * 4;
  let column = group.x * ${outer} + tx * 4;
  ${declare(blocks)}
  let o = t % 128 % ${vectors};
  let q = t % 128 / ${vectors} * 4;
  for (var k0 = begin; k0 < K; k0 += ${depth}) {
    let k = k0 + q;
    if (t < 128) {${fill("a", `group.y * ${outer}`)}
    } else {${fill("b", `group.x * ${outer}`)}
    }
    workgroupBarrier();
    for (var k = 0u; k < ${depth}; k++) {
      ${lines(shared)}
      ${multiply(
        blocks,
        (i) => `a${i}`,
        (j) => `b${j}`,
      )}
    }
    workgroupBarrier();
  }
  ${stores(blocks, 64)}
}`;
}

/** 8×8 threads, no shared memory. */
export function direct(form: Form): string {
  const { blocks } = form;
  const each = (text: (name: "a" | "b", block: string, i: number) => string) =>
    lines(range(blocks).flatMap((i) => [text("a", `a${i}_`, i), text("b", `b${i}_`, i)]));
  const products = FOUR.map((k) =>
    multiply(
      blocks,
      (i) => `a${i}_${k}`,
      (j) => `b${j}_${k}`,
    ),
  );
  return `${halves(form)}${store(form)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  ${sizes(form)}
  let row = group.y * ${32 * blocks} + t / 8 * 4;
  let column = group.x * ${32 * blocks} + t % 8 * 4;
  ${declare(blocks)}
  ${each((name, block, i) => places(form, name, block, `${name === "a" ? "row" : "column"} + ${32 * i}`))}
  for (var k = begin; k < K; k += 4) {
  ${each((name, block) => loads(form, name, block, "k"))}
  ${lines(products)}
  }
  ${stores(blocks, 32)}
}`;
}
