/**
 * One suite for every backend: each kernel on each case against the reference, in float64. It checks new outputs,
 * outputs added `into` a tensor, operands changed in place, that other inputs stay as they were, and that nothing
 * is left alive. It knows no test runner: `for (const check of conformance()) it(check.name, () => check.run(backend))`.
 */
import type { Backend, Tensor } from "../backend.js";
import type { TensorData } from "../dtype.js";
import type { View } from "../kernels/contract.js";
import { contracts, type KernelName, kernelNames } from "../kernels/index.js";
import { reference } from "../reference.js";
import type { AnyContract } from "../run.js";
import { emptyCases } from "./cases/empty.js";
import { cases } from "./cases/index.js";
import { expectClose } from "./closeness.js";
import { random, type Value, viewOf } from "./values.js";

/** One case of one kernel, as a test of any backend. */
export interface ConformanceCheck {
  readonly kernel: KernelName;
  readonly name: string;
  /** @throws Error that names kernel, case, operand and element. */
  run(backend: Backend): Promise<void>;
}

interface Erased {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Value | undefined>>;
  readonly attributes: object;
  readonly tolerance?: number;
}

interface Result {
  readonly outputs: Readonly<Record<string, TensorData>>;
  readonly operands: Readonly<Record<string, TensorData>>;
}

type ErasedRun = (
  kernel: string,
  inputs: object,
  attributes: object,
  into?: object,
) => Record<string, Tensor>;

async function execute(
  backend: Backend,
  kernel: KernelName,
  test: Erased,
  into?: Record<string, Value>,
): Promise<Result> {
  const upload = (value: Value) => backend.upload(value.data, value.shape);
  const operands: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(test.inputs)) if (value) operands[name] = upload(value);
  const targets: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(into ?? {})) targets[name] = upload(value);

  const run = backend.run.bind(backend) as ErasedRun;
  const outputs = run(kernel, operands, test.attributes, targets);

  const read: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(outputs)) read[name] = await backend.read(tensor);
  const many = await backend.readMany(Object.values(operands));
  const names = Object.keys(operands);
  const result = { outputs: read, operands: Object.fromEntries(names.map((name, i) => [name, many[i]])) };
  for (const tensor of new Set([...Object.values(operands), ...Object.values(outputs)])) tensor.free();
  return result;
}

async function check(backend: Backend, kernel: KernelName, test: Erased, tolerance: number): Promise<void> {
  const contract = contracts[kernel] as AnyContract;
  const oracle = reference();
  const limit = Math.max(test.tolerance ?? 0, tolerance);
  const what = (operand: string) => `${backend.name} ${kernel} (${test.name}): ${operand}`;

  const before = backend.memory().liveBytes;
  const expected = await execute(oracle, kernel, test);
  const actual = await execute(backend, kernel, test);
  for (const name of contract.outputs)
    expectClose(what(name), actual.outputs[name], expected.outputs[name], limit);
  for (const [name, value] of Object.entries(test.inputs)) {
    if (!value) continue;
    const changes = contract.mutates.includes(name);
    expectClose(what(`input ${name}`), actual.operands[name], expected.operands[name], changes ? limit : 0);
  }

  const specs = contract.infer(definedInputs(test), test.attributes);
  const floats = contract.outputs.filter((name) => specs[name].dtype === "float32");
  if (floats.length > 0) {
    const into: Record<string, Value> = {};
    floats.forEach((name, i) => (into[name] = random(specs[name].shape, 90 + i)));
    const added = await execute(backend, kernel, test, into);
    for (const name of floats) {
      const sum = Float64Array.from(expected.outputs[name], (value, i) => value + into[name].data[i]);
      expectClose(what(`${name} added into`), added.outputs[name], sum, limit);
    }
  }
  const after = backend.memory().liveBytes;
  if (after !== before) throw new Error(what(`${after - before} bytes are still alive`));
}

function definedInputs(test: Erased): Record<string, View> {
  const defined: Record<string, View> = {};
  for (const [name, value] of Object.entries(test.inputs)) if (value) defined[name] = viewOf(value);
  return defined;
}

/** How close a backend must be to the naive loops, and whether empty operands are tried. */
export interface ConformanceOptions {
  /** Relative to each output's largest value; default 1e-5. */
  readonly tolerance?: number;
  /** Operands without any value, too; default true. */
  readonly empty?: boolean;
}

/** All checks that a backend is to pass, a case of a kernel each. */
export function conformance({ tolerance = 1e-5, empty = true }: ConformanceOptions = {}): ConformanceCheck[] {
  return kernelNames.flatMap((kernel) =>
    ([...cases[kernel], ...(empty ? emptyCases[kernel] : [])] as readonly Erased[]).map((test) => ({
      kernel,
      name: `${kernel}: ${test.name}`,
      run: (backend: Backend) => check(backend, kernel, test, tolerance),
    })),
  );
}
