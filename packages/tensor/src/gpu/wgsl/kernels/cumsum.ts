/** Running sums: of each chunk the sum, of these sums the running ones, and from those on the chunk's values. */
import type { Shape } from "../../../shape.js";
import type { Build, Program, WgslPass } from "../../program.js";
import { BUILTINS, fold, GROUP, kernel } from "../pass.js";
import { sizes } from "../sizes.js";

/** Values that one thread adds up. */
const CHUNK = 64;

/** Where sums are read and written; `before` leaves a value's own out. */
interface Scan {
  readonly from: string;
  readonly to: string;
  readonly reverse: boolean;
  readonly before: boolean;
  readonly add: boolean;
}

/** A thread for each chunk of each row, in the order in which the sum runs. */
function perChunk(
  key: string,
  reads: Record<string, string>,
  writes: string,
  [O, N, I]: Shape,
  reverse: boolean,
  body: string,
): WgslPass {
  const S = Math.ceil(N / CHUNK);
  const { uniforms, declare } = sizes({ N, I, S, threads: O * S * I });
  return kernel({
    key: `cumsum ${key}${reverse ? " from the end" : ""}`,
    ...{ reads, writes: { y: writes }, uniforms },
    code: () => `
@compute @workgroup_size(64)
fn main(${BUILTINS}) {
  ${declare}
  let k = ${GROUP} * 64 + t;
  if (k >= threads) { return; }
  let i = k % I;
  let begin = k / I % S * ${CHUNK};
  let row = k / (S * I) * N;
  ${body.replace("$LOOP", `for (var n = begin; n < min(begin + ${CHUNK}, N); n++) { let at = (row + ${reverse ? "N - 1 - n" : "n"}) * I + i;`)}
}`,
    workgroups: fold(Math.ceil((O * S * I) / 64)),
  });
}

function scan(
  { from, to, reverse, before, add }: Scan,
  shape: Shape,
): Required<Pick<Program, "temporaries" | "passes">> {
  const [O, N, I] = shape;
  const S = Math.ceil(N / CHUNK);
  const each = before ? "y[at] = sum; sum += x[at];" : `sum += x[at]; y[at] ${add ? "+=" : "="} sum;`;
  const key = `${before ? "before" : "with"}${add ? " add" : ""}`;
  if (S === 1) {
    const body = `var sum = 0.0; $LOOP ${each} }`;
    return { temporaries: {}, passes: [perChunk(key, { x: from }, to, shape, reverse, body)] };
  }
  const [sums, starts] = [`sums of ${from}`, `starts of ${from}`];
  const inner = scan({ from: sums, to: starts, reverse: false, before: true, add: false }, [O, S, I]);
  return {
    temporaries: { ...inner.temporaries, [sums]: O * S * I, [starts]: O * S * I },
    passes: [
      perChunk(
        "chunks",
        { x: from },
        sums,
        shape,
        reverse,
        "var sum = 0.0; $LOOP sum += x[at]; } y[k] = sum;",
      ),
      ...inner.passes,
      perChunk(
        `${key}, from starts`,
        { x: from, starts },
        to,
        shape,
        reverse,
        `var sum = starts[k]; $LOOP ${each} }`,
      ),
    ],
  };
}

export const cumsum: Build<"cumsum"> = ({ x }, { reverse = false }, { y }) => ({
  adds: ["y"],
  ...scan({ from: "x", to: "y", reverse, before: false, add: y.add }, x.shape),
});
