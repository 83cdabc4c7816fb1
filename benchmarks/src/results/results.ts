/** What a run of the benchmarks measured: plain data with a schema, from which the page and the READMEs are made. */
import { z } from "zod";

export const suiteNames = [
  "kernels",
  "transposes",
  "ops",
  "primitives",
  "latency",
  "steps",
  "profile",
  "generation",
  "io",
  "scaling",
  "removal",
] as const;
export type SuiteName = (typeof suiteNames)[number];

/** What we are measured against; every other engine of a row is ours. */
export const peerNames = ["tfjs-wasm", "jax-js", "onnxruntime", "pytorch"] as const;
export type PeerName = (typeof peerNames)[number];
export const isPeer = (engine: string): boolean => peerNames.some((name) => name === engine);

/** How PyTorch runs a model: op by op, or as what torch.compile makes of it. */
export const forms = ["eager", "compiled"] as const;
export type Form = (typeof forms)[number];

const positive = z.number().positive();

const rowSchema = z.strictObject({
  suite: z.enum(suiteNames),
  /** What was run, by its name in shapes.ts. */
  case: z.string(),
  /** The same for people: shapes. */
  about: z.string(),
  /** Which of our engines, or which peer. */
  engine: z.string(),
  threads: z.int().positive(),
  /** Where a peer was asked in more than one form, the one of this row. */
  form: z.enum(forms).optional(),
  /** What the first run took, in which it was compiled, in seconds: before the turns. */
  compileSeconds: positive.optional(),
  /** At the median time. */
  value: positive,
  unit: z.enum(["GFLOP/s", "GB/s", "MB/s", "tokens/s", "ms", "µs", "s"]),
  ms: z.strictObject({
    median: positive,
    fastest: positive,
    slowest: positive,
    runs: z.int().positive(),
  }),
  /** The value over that of `mlp_in` in the same turns. */
  toMlpIn: positive.optional(),
  /** The value over what the machine can do: the micro-kernel's rate, or that of a copy in memory. */
  toLimit: positive.optional(),
  /** Of a step's time. */
  share: positive.optional(),
  /** The most memory that a process of its own held, in bytes. */
  peakBytes: positive.optional(),
  /** What grows: T, C or threads. */
  x: positive.optional(),
});

const resultsSchema = z.strictObject({
  /** Such figures say that it works, and nothing of how fast. */
  quick: z.boolean(),
  machine: z.strictObject({
    cpu: z.string(),
    cores: z.int(),
    memoryBytes: z.int(),
    node: z.string(),
    /** How many processes wanted a core in the minute before the run: the load that others made. */
    loadBefore: z.number().optional(),
  }),
  /** What really ran, by engine or peer. */
  descriptions: z.record(z.string(), z.string()),
  rows: z.array(rowSchema),
});

export type Row = z.infer<typeof rowSchema>;
export type Results = z.infer<typeof resultsSchema>;

/** @throws Error that names the file and the fields that are wrong. */
export function parseResults(json: string, file: string): Results {
  const parsed = resultsSchema.safeParse(JSON.parse(json));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The rows of a suite. */
export const rowsOf = (results: Results, suite: SuiteName): Row[] =>
  results.rows.filter((row) => row.suite === suite);

/** Without the rows of a form that another form of the same peer beats: whichever is faster counts. */
export const withFastestForms = (rows: readonly Row[]): Row[] =>
  rows.filter(
    (row) => !row.form || rows.every((other) => !isFormOfTheSame(row, other) || other.value <= row.value),
  );

const isFormOfTheSame = (a: Row, b: Row): boolean =>
  b.form !== undefined &&
  (["suite", "case", "about", "engine", "threads"] as const).every((key) => a[key] === b[key]);

/** `wasm, 2 threads` */
export const showEngine = ({ engine, threads }: Pick<Row, "engine" | "threads">): string =>
  `${engine}, ${threads} ${threads === 1 ? "thread" : "threads"}`;

/** The same with the form: `pytorch compiled, 2 threads` */
export const showContender = ({ form, ...row }: Pick<Row, "engine" | "threads" | "form">): string =>
  showEngine(form ? { ...row, engine: `${row.engine} ${form}` } : row);

/** Our best for the case of that row: the first of our engines, with the most threads. */
export function oursFor(results: Results, { suite, case: name }: Row): Row | undefined {
  const ours = results.rows.filter((row) => row.suite === suite && row.case === name && !isPeer(row.engine));
  const first = ours.filter(({ engine }) => engine === ours[0].engine);
  return first.reduce<Row | undefined>(
    (best, row) => (best && best.threads >= row.threads ? best : row),
    undefined,
  );
}

/** Values in a list without repetitions, in the order of their first appearance. */
export const unique = <X>(values: readonly X[]): X[] => [...new Set(values)];
