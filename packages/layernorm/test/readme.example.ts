import { linear, Tape } from "@normless/autograd";
import {
  applyNorm,
  foldIntoLinear,
  frozenNorm,
  frozenStd,
  measureStd,
  positionClasses,
  readStd,
  updateStdAverage,
  withClassConstant,
} from "@normless/layernorm";
import { reference } from "@normless/tensor";

const backend = reference();
const [B, T, C, M] = [1, 3, 3, 2];
const x = backend.upload(Float64Array.of(10, 20, 60, 1, 2, 6, 6, 1, 2), [B, T, C]); // the residual
const classes = backend.upload(positionClasses(Int32Array.of(5, 7, 8), { B, T }), [B, T]);
const parameters = { gamma: Float64Array.of(1, 0.5, 2), beta: Float64Array.of(0.1, 0, -0.1) };
const w = { rows: C, columns: M, data: Float64Array.of(1, 0, 2, -1, 0.5, 3) }; // what reads the norm
const bias = Float64Array.of(0.2, -0.3);

// Freeze: measure the std, apart for the first position, and let it stand where each token's own std stood.
const average = updateStdAverage(undefined, await readStd(measureStd(x, classes)), 0.9);
console.log(average); // { first: 21.602469226147893, rest: 2.160249214018296 }
const frozen = frozenNorm(frozenStd(average));

// One constant for all tokens makes the norm an affine map, which folds into the weights that read it.
const uniform = withClassConstant(frozen, "first");
const folded = foldIntoLinear({ ...parameters, std: frozenStd(average).rest }, { w, bias });

const tape = new Tape(backend, { record: false });
const upload = (values: Float64Array) => backend.upload(values, [values.length]);
const gamma = upload(parameters.gamma);
const beta = upload(parameters.beta);
const normed = applyNorm(uniform, tape.constant(x), { gamma, beta, classes });
const before = linear(normed, backend.upload(w.data, [C, M]), upload(bias));
const after = linear(tape.constant(x), backend.upload(folded.w.data, [C, M]), upload(folded.bias));
const [a, b] = [await before.tensor.read(), await after.tensor.read()];
console.log(a.every((value, n) => Math.abs(value - b[n]) < 1e-12)); // true
