/**
 * Rows along N of (O,N,I) in order, as (order, place) pairs: a bitonic sort, whose places break ties. Rows are filled up to a
 * power of two with pairs that come last.
 */
import type { Shape } from "../../shape.js";
import type { Program, WgslPass } from "../program.js";
import { BUILTINS, each, fold, GROUP, kernel } from "./pass.js";
import { sizes } from "./sizes.js";
import type { Tuning } from "./tuning.js";

/** Pairs that one workgroup sorts in its memory, where that gains anything. */
const BLOCK = 1024;

/** A row's values as numbers that grow in the order that is wanted. */
export interface Order {
  readonly key: string;
  readonly buffer: string;
  /** WGSL of the u32 of the value x[at]. */
  readonly order: string;
  readonly helpers: string;
}

/** Pairs of a row, as many as there are after it was filled up: those of row r begin at r·width. */
export function widthOf(N: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(N, 1)));
}

/** The passes that put the pairs of all rows (o·I + i) into the temporary `pairs`. */
export function sorted(
  from: Order,
  shape: Shape,
  { sharedSort }: Tuning,
): Required<Pick<Program, "temporaries" | "passes">> {
  const [O, N, I] = shape;
  const width = widthOf(N);
  const block = sharedSort ? BLOCK : 1;
  const blocks = Math.ceil((O * I * width) / block);
  const passes = [sharedSort ? sortedBlocks(from, shape, blocks) : listed(from, shape)];
  for (let length = 2 * block; length <= width; length *= 2) {
    const run = { width, length, pairs: blocks * block };
    for (let step = length / 2; step >= block; step /= 2) passes.push(across(run, step));
    if (sharedSort) passes.push(within(run, blocks));
  }
  return { temporaries: { pairs: blocks * block * 2 }, passes };
}

const PAIRS = { pairs: { buffer: "pairs", type: "vec2u" } } as const;

/** WGSL of `pair`, number `at_pair` of all, of which those after a row's last come last. */
const pairOf = (order: string) => `
    let row = at_pair / width;
    let n = at_pair % width;
    var pair = vec2u(0xffffffffu, 0xffffffffu);
    if (n < N && row < rows) {
      let at = (row / I * N + n) * I + row % I;
      pair = vec2u(${order}, n);
    }`;

/** The pairs as they come. */
function listed({ key, buffer, order, helpers }: Order, [O, N, I]: Shape): WgslPass {
  const width = widthOf(N);
  const { uniforms, declare } = sizes({ N, I, rows: O * I, width });
  return each(
    { key: `sort listed ${key}`, reads: { x: buffer }, writes: PAIRS, uniforms },
    O * I * width,
    `${declare} let at_pair = i; ${pairOf(order)} pairs[i] = pair;`,
    { helpers },
  );
}

/** WGSL: a pair's place in its row decides in which direction runs of `length` go; the last is upwards. */
const EXCHANGE = `
fn is_after(a: vec2u, b: vec2u) -> bool { return a.x > b.x || (a.x == b.x && a.y > b.y); }
// The lower of the two pairs that thread k compares, which are step apart.
fn lower(k: u32, step: u32) -> u32 { return k / step * step * 2 + k % step; }`;

/** WGSL that exchanges within the workgroup's `shared_pairs`, whose first is `begin` of all, where that is due. */
const STEP = `
      for (var k = t; k < ${BLOCK / 2}; k += 256) {
        let a = lower(k, step);
        let upwards = (((begin + a) & (width - 1)) & length) == 0;
        let p = shared_pairs[a];
        let q = shared_pairs[a + step];
        if (is_after(p, q) == upwards) { shared_pairs[a] = q; shared_pairs[a + step] = p; }
      }
      workgroupBarrier();`;

/** Every block in order by itself. */
function sortedBlocks({ key, buffer, order, helpers }: Order, [O, N, I]: Shape, blocks: number): WgslPass {
  const { uniforms, declare } = sizes({ N, I, rows: O * I, width: widthOf(N), blocks });
  return kernel({
    ...{ key: `sort blocks ${key}`, reads: { x: buffer }, writes: PAIRS, uniforms },
    code: () => `${helpers}${EXCHANGE}
var<workgroup> shared_pairs: array<vec2u, ${BLOCK}>;
@compute @workgroup_size(256)
fn main(${BUILTINS}) {
  ${declare}
  let block = ${GROUP};
  if (block >= blocks) { return; }
  let begin = block * ${BLOCK};
  for (var a = t; a < ${BLOCK}; a += 256) {
    let at_pair = begin + a;${pairOf(order)}
    shared_pairs[a] = pair;
  }
  workgroupBarrier();
  for (var length = 2u; length <= min(width, ${BLOCK}u); length *= 2) {
    for (var step = length / 2; step > 0; step /= 2) {${STEP}
    }
  }
  for (var a = t; a < ${BLOCK}; a += 256) { pairs[begin + a] = shared_pairs[a]; }
}`,
    workgroups: fold(blocks),
  });
}

/** Runs of `length` that become one, in rows of `width`. */
interface Run {
  readonly width: number;
  readonly length: number;
  readonly pairs: number;
}

/** Exchanges of pairs that are `step` apart. */
function across({ width, length, pairs }: Run, step: number): WgslPass {
  const threads = Math.floor(pairs / 2);
  const { uniforms, declare } = sizes({ width, length, step, threads });
  return kernel({
    ...{ key: "sort across", writes: PAIRS, uniforms },
    code: () => `${EXCHANGE}
@compute @workgroup_size(256)
fn main(${BUILTINS}) {
  ${declare}
  let k = ${GROUP} * 256 + t;
  if (k >= threads) { return; }
  let a = lower(k, step);
  let upwards = ((a & (width - 1)) & length) == 0;
  let p = pairs[a];
  let q = pairs[a + step];
  if (is_after(p, q) == upwards) { pairs[a] = q; pairs[a + step] = p; }
}`,
    workgroups: fold(Math.ceil(threads / 256)),
  });
}

/** And the rest of them, within every block. */
function within({ width, length }: Run, blocks: number): WgslPass {
  const { uniforms, declare } = sizes({ width, length, blocks });
  return kernel({
    ...{ key: "sort within blocks", writes: PAIRS, uniforms },
    code: () => `${EXCHANGE}
var<workgroup> shared_pairs: array<vec2u, ${BLOCK}>;
@compute @workgroup_size(256)
fn main(${BUILTINS}) {
  ${declare}
  let block = ${GROUP};
  if (block >= blocks) { return; }
  let begin = block * ${BLOCK};
  for (var a = t; a < ${BLOCK}; a += 256) { shared_pairs[a] = pairs[begin + a]; }
  workgroupBarrier();
  for (var step = ${BLOCK / 2}u; step > 0; step /= 2) {${STEP}
  }
  for (var a = t; a < ${BLOCK}; a += 256) { pairs[begin + a] = shared_pairs[a]; }
}`,
    workgroups: fold(blocks),
  });
}
