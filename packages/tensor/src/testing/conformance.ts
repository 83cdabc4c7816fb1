/**
 * One suite for every backend: each kernel on each case against the reference, in float64. It checks new outputs,
 * outputs added `into` a tensor, operands changed in place, that other inputs stay as they were, and that nothing
 * is left alive. It knows no test runner: `for (const check of conformance()) it(check.name, () => check.run(backend))`.
 */
import type { Backend, Tensor } from "../backend.js";
import type { TensorData } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { Operands, View } from "../kernels/contract.js";
import { contracts, type KernelName, kernelNames } from "../kernels/index.js";
import { reference } from "../reference.js";
import type { AnyOp, Op } from "../op.js";
import type { AnyContract } from "../run.js";
import { bfloat16Cases } from "./cases/bfloat16.js";
import { emptyCases } from "./cases/empty.js";
import { cases } from "./cases/index.js";
import { expectClose } from "./closeness.js";
import { random, type Value, viewOf } from "./values.js";

/** One case of one kernel, or of an op of one's own, as a test of any backend. */
export interface ConformanceCheck<K extends string = KernelName> {
  readonly kernel: K;
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

/** A kernel or an op, as the suite runs it. */
interface Subject {
  readonly name: string;
  readonly contract: AnyContract;
  /** Whether outputs can be added into a tensor. */
  readonly adds: boolean;
  readonly run: (
    backend: Backend,
    inputs: Readonly<Record<string, Tensor>>,
    attributes: object,
    into: Readonly<Record<string, Tensor>>,
  ) => Readonly<Record<string, Tensor>>;
}

const subjectOf = (kernel: KernelName): Subject => ({
  name: kernel,
  contract: contracts[kernel],
  adds: true,
  run: (backend, inputs, attributes, into) =>
    (backend.run.bind(backend) as (...given: unknown[]) => Record<string, Tensor>)(
      kernel,
      inputs,
      attributes,
      into,
    ),
});

function uploadTo(backend: Backend, { data, shape, dtype }: Value): Tensor {
  const x = backend.upload(data, shape);
  if (dtype !== "bfloat16") return x;
  const { y } = backend.run("cast", { x }, { to: dtype });
  x.free();
  return y;
}

async function execute(
  backend: Backend,
  subject: Subject,
  test: Erased,
  into?: Record<string, Value>,
): Promise<Result> {
  const upload = (value: Value) => uploadTo(backend, value);
  const operands: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(test.inputs)) if (value) operands[name] = upload(value);
  const targets: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(into ?? {})) targets[name] = upload(value);

  const outputs = subject.run(backend, operands, test.attributes, targets);

  const read: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(outputs)) read[name] = await backend.read(tensor);
  const many = await backend.readMany(Object.values(operands));
  const names = Object.keys(operands);
  const result = { outputs: read, operands: Object.fromEntries(names.map((name, i) => [name, many[i]])) };
  for (const tensor of new Set([...Object.values(operands), ...Object.values(outputs)])) tensor.free();
  return result;
}

async function check(backend: Backend, subject: Subject, test: Erased, tolerance: number): Promise<void> {
  const { contract } = subject;
  const oracle = reference();
  const limit = Math.max(test.tolerance ?? 0, tolerance);
  const what = (operand: string) => `${backend.name} ${subject.name} (${test.name}): ${operand}`;

  if (!backend.dtypes.includes("bfloat16") && asksForHalves(test))
    return refusesHalves(backend, what("cast"));
  const before = backend.memory().liveBytes;
  const expected = await execute(oracle, subject, test);
  const actual = await execute(backend, subject, test);
  for (const name of contract.outputs)
    expectClose(what(name), actual.outputs[name], expected.outputs[name], limit);
  for (const [name, value] of Object.entries(test.inputs)) {
    if (!value) continue;
    const changes = contract.mutates.includes(name);
    expectClose(what(`input ${name}`), actual.operands[name], expected.operands[name], changes ? limit : 0);
  }

  const specs = contract.infer(definedInputs(test), test.attributes);
  const floats = contract.outputs.filter((name) => specs[name].dtype === "float32");
  if (subject.adds && floats.length > 0) {
    const into: Record<string, Value> = {};
    floats.forEach((name, i) => (into[name] = random(specs[name].shape, 90 + i)));
    const added = await execute(backend, subject, test, into);
    for (const name of floats) {
      const sum = Float64Array.from(expected.outputs[name], (value, i) => value + into[name].data[i]);
      expectClose(what(`${name} added into`), added.outputs[name], sum, limit);
    }
  }
  const after = backend.memory().liveBytes;
  if (after !== before) throw new Error(what(`${after - before} bytes are still alive`));
}

function asksForHalves({ inputs, attributes }: Erased): boolean {
  const named: unknown[] = Object.values(attributes);
  return named.includes("bfloat16") || Object.values(inputs).some((value) => value?.dtype === "bfloat16");
}

/** @throws Error where it makes one, or leaves something of it */
function refusesHalves(backend: Backend, what: string): void {
  const x = backend.upload(Float32Array.of(1), [1]);
  const before = backend.memory().liveBytes;
  try {
    backend.run("cast", { x }, { to: "bfloat16" });
  } catch (error) {
    if (!(error instanceof BackendError && error.message.includes("has no bfloat16"))) throw error;
    if (backend.memory().liveBytes !== before) throw new Error(`${what}: what was refused is still alive`);
    return;
  } finally {
    x.free();
  }
  throw new Error(`${what}: a backend that has no bfloat16 made one`);
}

function definedInputs(test: Erased): Record<string, View> {
  const defined: Record<string, View> = {};
  for (const [name, value] of Object.entries(test.inputs)) if (value) defined[name] = viewOf(value);
  return defined;
}

const keptCases = (kernel: KernelName): readonly object[] =>
  (bfloat16Cases as Partial<Record<KernelName, readonly object[]>>)[kernel] ?? [];

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
    ([...cases[kernel], ...keptCases(kernel), ...(empty ? emptyCases[kernel] : [])] as readonly Erased[]).map(
      (test) => ({
        kernel,
        name: `${kernel}: ${test.name}`,
        run: (backend: Backend) => check(backend, subjectOf(kernel), test, tolerance),
      }),
    ),
  );
}

/** Operands and attributes to try an op of one's own on. */
export interface OpCase<I extends string, P extends string, A> {
  readonly name: string;
  readonly inputs: Operands<I, P, Value>;
  readonly attributes: A;
}

/**
 * All checks of an op of one's own, a case each, as `conformance` has them of ours: on any backend it is what its loop says,
 * changes nothing but what it says it mutates, and leaves nothing alive.
 */
export function opConformance<I extends string, P extends string, A, O extends string>(
  op: Op<I, P, A, O>,
  cases: readonly OpCase<I, P, A>[],
  { tolerance = 1e-5 }: Pick<ConformanceOptions, "tolerance"> = {},
): ConformanceCheck<string>[] {
  const any = op as unknown as AnyOp;
  const subject: Subject = {
    name: any.name,
    contract: any,
    adds: false,
    run: (backend, inputs, attributes) => backend.runOp(any, inputs, attributes),
  };
  return (cases as unknown as readonly Erased[]).map((test) => ({
    kernel: any.name,
    name: `${any.name}: ${test.name}`,
    run: (backend) => check(backend, subject, test, tolerance),
  }));
}
