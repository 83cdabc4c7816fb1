/**
 * Folding one frozen norm into the weights that read it, exactly, in float64. A frozen norm is affine,
 * x·P·diag(gamma/std) + beta with P = I − 1/C, so that
 *   frozenNorm(x)·W + b = x·W' + b',   W' = P·diag(gamma/std)·W,   b' = b + beta·W.
 * P can go into the readers (fold…) or into everything that writes the residual x (scale… and centreRows): either is
 * enough, both do no harm. Pure functions on plain matrices, no tensors; folding a whole model is @normless/gpt2's.
 * Source: Heimersheim 2024 (arXiv 2409.13710); TransformerLens `fold_layer_norm`, `center_writing_weights`.
 */

/** Row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** y = x·w + bias. In GPT-2's Conv1D layout w is (C,M), rows = inputs; a head or tied embedding is (V,C). */
export interface LinearWeights {
  readonly w: Matrix;
  /** One entry an output. */
  readonly bias: Float64Array;
}

/** A head (V,C), with or without a bias over the vocabulary. */
export interface HeadWeights {
  readonly w: Matrix;
  readonly bias?: Float64Array | undefined;
}

/** What a norm frozen at one std does to a centred x: gamma/std and beta, over the C channels. */
export interface FrozenParameters {
  readonly gamma: Float64Array;
  readonly beta: Float64Array;
  readonly std: number;
}

/** From `begin` to `end` (exclusive). */
export interface ColumnRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * The linear (C,M) that does to x what it did to frozenNorm(x). With `columns` only those outputs are folded and the
 * others left as they were, which is how the query/key and the value part of one c_attn take different stds.
 * @throws RangeError when lengths do not go together, the std is not positive and finite, or the range does not fit.
 */
export function foldIntoLinear(
  norm: FrozenParameters,
  linear: LinearWeights,
  columns?: ColumnRange,
): LinearWeights {
  return foldInto(norm, linear, linearReader(linear.w, columns));
}

/** The same for a head (V,C), which becomes one of its own (untied from the embedding), with a vocabulary bias. */
export function foldIntoHead(norm: FrozenParameters, head: HeadWeights): LinearWeights {
  return foldInto(norm, withBias(head), headReader(head.w));
}

/** gamma, std and beta moved into a linear (C,M) without the centring: right for an x that is mean-free. */
export function scaleIntoLinear(
  norm: FrozenParameters,
  linear: LinearWeights,
  columns?: ColumnRange,
): LinearWeights {
  return scaleInto(norm, linear, linearReader(linear.w, columns));
}

/** gamma, std and beta moved into a head (V,C) without the centring: right for an x that is mean-free. */
export function scaleIntoHead(norm: FrozenParameters, head: HeadWeights): LinearWeights {
  return scaleInto(norm, withBias(head), headReader(head.w));
}

/** Every column (or those of the range) minus its mean: a linear (C,M) that ignores the mean of what it reads. */
export function centreColumns(w: Matrix, columns?: ColumnRange): Matrix {
  const copy = copyOf(w);
  subtractMeans(copy, linearReader(w, columns));
  return copy;
}

/**
 * Every row minus its mean. Of what writes the residual, wte, wpe and the c_proj weights (·,C): nothing written has a
 * mean any more. Of a head (V,C), which reads it: it ignores the mean.
 */
export function centreRows(w: Matrix): Matrix {
  const copy = copyOf(w);
  subtractMeans(copy, headReader(w));
  return copy;
}

/** A vector minus its mean: the bias of what writes the residual. */
export function centreVector(v: Float64Array): Float64Array {
  return centreRows({ rows: 1, columns: v.length, data: v }).data;
}

/** Which axis of a stored weight the norm's channels are, and the part of the weight that is meant. */
interface Reader {
  readonly inputs: "rows" | "columns";
  readonly rows: ColumnRange;
  readonly columns: ColumnRange;
}

function linearReader(w: Matrix, columns: ColumnRange = { begin: 0, end: w.columns }): Reader {
  const { begin, end } = columns;
  if (!(Number.isInteger(begin) && Number.isInteger(end) && 0 <= begin && begin < end && end <= w.columns)) {
    throw new RangeError(`fold: columns ${begin} to ${end} are not a range of the ${w.columns} there are`);
  }
  return { inputs: "rows", rows: { begin: 0, end: w.rows }, columns };
}

function headReader(w: Matrix): Reader {
  return { inputs: "columns", rows: { begin: 0, end: w.rows }, columns: { begin: 0, end: w.columns } };
}

function foldInto(norm: FrozenParameters, linear: LinearWeights, reader: Reader): LinearWeights {
  const folded = scaleInto(norm, linear, reader);
  subtractMeans(folded.w, reader);
  return folded;
}

/** New weights: w[i → m]·gamma[i]/std, and bias[m] + Σ beta[i]·w[i → m] with w as it was. */
function scaleInto(norm: FrozenParameters, linear: LinearWeights, reader: Reader): LinearWeights {
  checkParameters(norm, linear, reader);
  const { beta } = norm;
  const factor = norm.gamma.map((g) => g / norm.std);
  const w = copyOf(linear.w);
  const bias = linear.bias.slice();
  const { rows, columns } = reader;
  const rowIsInput = reader.inputs === "rows";
  for (let r = rows.begin; r < rows.end; r++) {
    for (let c = columns.begin; c < columns.end; c++) {
      const at = r * w.columns + c;
      const i = rowIsInput ? r : c;
      bias[rowIsInput ? c : r] += beta[i] * w.data[at];
      w.data[at] *= factor[i];
    }
  }
  return { w, bias };
}

/** In place: the mean over the inputs goes out of every output of the range. */
function subtractMeans(w: Matrix, reader: Reader): void {
  const { rows, columns } = reader;
  const rowIsInput = reader.inputs === "rows";
  const sums = new Float64Array(rowIsInput ? w.columns : w.rows);
  for (let r = rows.begin; r < rows.end; r++) {
    for (let c = columns.begin; c < columns.end; c++) {
      sums[rowIsInput ? c : r] += w.data[r * w.columns + c];
    }
  }
  const means = sums.map((sum) => sum / w[reader.inputs]);
  for (let r = rows.begin; r < rows.end; r++) {
    for (let c = columns.begin; c < columns.end; c++) {
      w.data[r * w.columns + c] -= means[rowIsInput ? c : r];
    }
  }
}

function withBias({ w, bias }: HeadWeights): LinearWeights {
  return { w, bias: bias ?? new Float64Array(w.rows) };
}

function copyOf(w: Matrix): Matrix {
  const { rows, columns, data } = w;
  if (data.length !== rows * columns) {
    throw new RangeError(
      `fold: a matrix [${rows},${columns}] has ${data.length} values, not ${rows * columns}`,
    );
  }
  return { rows, columns, data: data.slice() };
}

function checkParameters(norm: FrozenParameters, { w, bias }: LinearWeights, reader: Reader): void {
  if (!(norm.std > 0 && Number.isFinite(norm.std))) {
    throw new RangeError(`fold: the std is ${norm.std}; a frozen std is positive and finite`);
  }
  const lengths = [
    ["gamma", norm.gamma.length, w[reader.inputs]],
    ["beta", norm.beta.length, w[reader.inputs]],
    ["bias", bias.length, reader.inputs === "rows" ? w.columns : w.rows],
  ] as const;
  for (const [name, length, expected] of lengths) {
    if (length === expected) continue;
    throw new RangeError(
      `fold: ${name} has ${length} entries, the weight [${w.rows},${w.columns}] takes ${expected}. ` +
        "Is the weight transposed? A linear is (C,M), rows = inputs; a head is (V,C)",
    );
  }
}
