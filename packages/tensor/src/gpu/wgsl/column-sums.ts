/** Sums over rows, in two stages: chunks of rows, then the chunks in order. The same bits in every run. */
import type { WgslPass } from "../program.js";
import { fold, kernel, BUILTINS, GROUP } from "./pass.js";

/** Rows summed by one thread of the first stage. */
const CHUNK = 32;

/** One sum over rows: (rows,columns) → (columns). */
export interface ColumnSum {
  /** WGSL of the value of row `n`, column `c`, which is at `at` in its buffer; all are u32. */
  readonly value: string;
  readonly output: string;
  /** Add to the output instead of writing it. */
  readonly add: boolean;
  /** Where column 0 goes. */
  readonly left?: number;
}

/** Sums over the same rows, made in one go. */
export interface ColumnSums {
  /** Names the values; sizes are added to it. */
  readonly key: string;
  readonly reads: Readonly<Record<string, string>>;
  readonly rows: number;
  readonly columns: number;
  /** Values from one row to the next; default `columns`. */
  readonly width?: number;
  readonly sums: readonly ColumnSum[];
  readonly uniforms?: Readonly<Record<string, number>>;
  readonly helpers?: string;
}

/** The passes of these sums, and the buffers that they need for the chunks. */
export function columnSums({
  key,
  reads,
  rows,
  columns,
  width = columns,
  sums,
  uniforms = {},
  helpers = "",
}: ColumnSums) {
  const chunks = Math.ceil(rows / CHUNK);
  const size = chunks * columns;
  const temporaries: Record<string, number> = {};
  const partials: Record<string, string> = {};
  sums.forEach(({ output }, i) => {
    temporaries[`${output} chunks`] = size;
    partials[`p${i}`] = `${output} chunks`;
  });
  const first = kernel({
    key: `column sums ${key}`,
    reads,
    writes: partials,
    uniforms: { rows, columns, width, ...uniforms },
    code: () => `${helpers}
@compute @workgroup_size(64)
fn main(${BUILTINS}) {
  let i = ${GROUP} * 64 + t;
  if (i >= arrayLength(&p0)) { return; }
  let columns = u32(u.columns);
  let width = u32(u.width);
  let c = i % columns;
  let begin = i / columns * ${CHUNK};
  let end = min(begin + ${CHUNK}, u32(u.rows));
  ${sums.map((_, j) => `var s${j} = 0.0;`).join(" ")}
  var at = begin * width + c;
  for (var n = begin; n < end; n++) {
    ${sums.map(({ value }, j) => `s${j} += ${value};`).join("\n    ")}
    at += width;
  }
  ${sums.map((_, j) => `p${j}[i] = s${j};`).join(" ")}
}`,
    workgroups: fold(Math.ceil(size / 64)),
  });
  const seconds = sums.map(({ output, add, left = 0 }) =>
    kernel({
      key: `column sums of chunks${add ? " add" : ""}`,
      reads: { p: `${output} chunks` },
      writes: { y: output },
      uniforms: { chunks, columns, left },
      code: () => `
@compute @workgroup_size(64)
fn main(${BUILTINS}) {
  let c = ${GROUP} * 64 + t;
  let columns = u32(u.columns);
  if (c >= columns) { return; }
  let chunks = u32(u.chunks);
  var sum = 0.0;
  for (var i = 0u; i < chunks; i++) { sum += p[i * columns + c]; }
  y[u32(u.left) + c] ${add ? "+=" : "="} sum;
}`,
      workgroups: fold(Math.ceil(columns / 64)),
    }),
  );
  const passes: WgslPass[] = [first, ...seconds];
  return { temporaries, passes };
}
