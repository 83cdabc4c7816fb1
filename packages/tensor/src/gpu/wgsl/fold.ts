/**
 * Reductions over N of (O,N,I) in stages: many threads a row, each with every S-th of its values, so that neighbours read
 * neighbours whatever I is; then the same over what they have. How many is by the sizes alone: the same bits in every run.
 */
import type { Shape } from "../../shape.js";
import type { WgslPass } from "../program.js";
import { BUILTINS, fold, GROUP, kernel } from "./pass.js";
import { sizes } from "./sizes.js";

/** What is reduced, and where it goes. */
export interface Reduction {
  /** Names it; sizes are no part of its kernels. */
  readonly key: string;
  readonly reads: Readonly<Record<string, string>>;
  /** WGSL of the value `n` of row `row`, which is at `at`, and its row's first at `first`; all are u32. */
  readonly value: string;
  /** What is kept on the way: a number, or an order and a place. */
  readonly type?: "f32" | "vec2u";
  /** WGSL of what `all` and `v` are together. */
  readonly join: string;
  readonly helpers?: string;
  /** The output, of (O,I), and WGSL of its value out of `all`, for the row `row`. */
  readonly output: string;
  readonly finish?: string;
  /** Also what `value` and `finish` read as `u.name`. */
  readonly uniforms?: Readonly<Record<string, number>>;
  /** Add to the output instead of writing it. */
  readonly add?: boolean;
}

/** Values that one thread joins where there are more of them than a few. */
const EACH = 32;
/** And where a row's neighbours are other threads' anyway. */
const MOST = 256;

function threadsOf([, N, I]: Shape): number {
  return N <= EACH || (I >= EACH && N <= MOST) ? 1 : Math.ceil(N / EACH);
}

/** The passes of a reduction, and the buffers that they need between them. */
export function reduction(spec: Reduction, shape: Shape) {
  const { key, output, type = "f32" } = spec;
  const temporaries: Record<string, number> = {};
  const passes: WgslPass[] = [];
  const [O, , I] = shape;
  let from: Pick<Reduction, "key" | "reads" | "value"> = spec;
  let [N, threads] = [shape[1], threadsOf(shape)];
  while (threads > 1) {
    const parts = `${output} parts ${passes.length}`;
    temporaries[parts] = O * threads * I * (type === "vec2u" ? 2 : 1);
    passes.push(stage({ ...spec, ...from }, [O, N, I], threads, parts));
    from = { key: `${key}, of parts`, reads: { ...spec.reads, parts }, value: "parts[at]" };
    N = threads;
    threads = threadsOf([O, N, I]);
  }
  passes.push(stage({ ...spec, ...from }, [O, N, I], 1));
  return { temporaries, passes };
}

/** One stage: into `parts`, or at last into the output. */
function stage(spec: Reduction, [O, N, I]: Shape, threads: number, parts?: string): WgslPass {
  const { key, reads, value, type = "f32", join, helpers = "", output, finish = "all", add } = spec;
  const { uniforms, declare } = sizes({ N, I, S: threads });
  const kinds = Object.entries(reads).map(([name, buffer]) => {
    return [name, { buffer, type: name === "parts" ? type : ("f32" as const) }] as const;
  });
  return kernel({
    key: `reduction ${key}${parts === undefined ? `, last${add ? " add" : ""}` : ""}`,
    reads: Object.fromEntries(kinds),
    writes: { out: { buffer: parts ?? output, type: parts === undefined ? "f32" : type } },
    uniforms: { ...uniforms, ...spec.uniforms },
    code: () => `${helpers}
@compute @workgroup_size(64)
fn main(${BUILTINS}) {
  ${declare}
  let k = ${GROUP} * 64 + t;
  if (k >= arrayLength(&out)) { return; }
  let o = k / (S * I);
  let row = o * I + k % I;
  let first = o * N * I + k % I;
  var n = k / I % S;
  var at = (o * N + n) * I + k % I;
  var all = ${value};
  for (n += S; n < N; n += S) {
    at += S * I;
    let v = ${value};
    all = ${join};
  }
  out[k] ${parts === undefined && add ? "+=" : "="} ${parts === undefined ? finish : "all"};
}`,
    workgroups: fold(Math.ceil((O * threads * I) / 64)),
  });
}
