/** What every backend's `run` does before any value is touched: check the operands and infer the outputs. */
import type { Backend, Tensor } from "./backend.js";
import type { DType, TensorSpec } from "./dtype.js";
import { BackendError, ShapeError } from "./errors.js";
import type { Contract } from "./kernels/contract.js";
import { contracts, type KernelName, kernelNames } from "./kernels/index.js";
import { didYouMean } from "./nearest.js";
import type { AnyOp } from "./op.js";
import { sameShape } from "./shape.js";

/** A contract with its names erased, for code that treats all kernels alike. */
export type AnyContract = Contract<string, string, object, string>;
/** Tensors by operand; an optional one may be undefined. */
export type TensorRecord = { readonly [operand: string]: Tensor | undefined };

/** What `run` has to do: the contract, and where its outputs go. */
export interface RunPlan {
  readonly contract: AnyContract;
  /** Each output: the tensor to add to, or what to allocate. */
  readonly outputs: readonly {
    readonly name: string;
    readonly spec: TensorSpec;
    readonly into: Tensor | undefined;
  }[];
}

/** Checks the operands of a `run` and infers its outputs. @throws ShapeError or BackendError, before anything runs. */
export function planRun(
  backend: Backend,
  kernel: KernelName,
  inputs: TensorRecord,
  attributes: object,
  into?: TensorRecord,
): RunPlan {
  // JavaScript, and names that were put together, come past the compiler.
  const contract = contracts[kernel] as AnyContract | undefined;
  if (!contract) throw new BackendError(`there is no kernel ${kernel}${didYouMean(kernel, kernelNames)}`);
  return planBy(contract, kernel, backend, inputs, attributes, into);
}

/** The same of a `runOp`. @throws ShapeError or BackendError, before anything runs. */
export function planOp(backend: Backend, op: AnyOp, inputs: TensorRecord, attributes: object): RunPlan {
  return planBy(op, op.name, backend, inputs, attributes);
}

/** In plain loops, and without copies of what it is given: every kernel call comes by here. */
function planBy(
  contract: AnyContract,
  kernel: string,
  backend: Backend,
  inputs: TensorRecord,
  attributes: object,
  into?: TensorRecord,
): RunPlan {
  for (const name of contract.inputs) {
    const tensor = inputs[name];
    if (!tensor) throw new BackendError(`${kernel}: input ${name} is missing`);
    checkInput(contract, kernel, name, tensor, backend);
  }
  for (const name of contract.optional) {
    const tensor = inputs[name];
    if (tensor) checkInput(contract, kernel, name, tensor, backend);
  }
  if (into) checkTargets(contract, kernel, inputs, into, backend);
  // All that it asks for is there.
  const specs = contract.infer(inputs as Readonly<Record<string, Tensor>>, attributes);
  const outputs: RunPlan["outputs"][number][] = [];
  for (const name of contract.outputs) {
    const spec = specs[name];
    const target = into?.[name];
    if (target) checkTarget(kernel, name, spec, target);
    else if (!backend.dtypes.includes(spec.dtype)) refuseKind(kernel, backend, spec.dtype);
    outputs.push({ name, spec, into: target });
  }
  return { contract, outputs };
}

const FLOAT32: readonly DType[] = ["float32"];

function checkInput(
  { dtypes }: AnyContract,
  kernel: string,
  name: string,
  tensor: Tensor,
  backend: Backend,
): void {
  checkAlive(kernel, name, tensor, backend);
  const wanted = dtypes[name] ?? FLOAT32;
  if (wanted.includes(tensor.dtype)) return;
  throw new BackendError(`${kernel}: ${name} is ${tensor.dtype}; it must be ${wanted.join(" or ")}`);
}

function checkAlive(kernel: string, name: string, tensor: Tensor, backend: Backend): void {
  if (tensor.freed) throw new BackendError(`${kernel}: ${name} was freed before this use`);
  if (tensor.backend !== backend) {
    throw new BackendError(
      `${kernel}: ${name} lives on backend ${tensor.backend.name}, not on this ${backend.name}. ` +
        "Upload its values to the backend that runs the kernel.",
    );
  }
}

/** A kernel may read its inputs while it adds to its results. @throws BackendError where one tensor is two of them. */
function checkTargets(
  contract: AnyContract,
  kernel: string,
  inputs: TensorRecord,
  into: TensorRecord,
  backend: Backend,
): void {
  const uses = new Map<object, string>();
  for (const name of [...contract.inputs, ...contract.optional]) {
    const tensor = inputs[name];
    if (tensor) uses.set(tensor.storage, name);
  }
  for (const [name, tensor] of Object.entries(into)) {
    if (!tensor) continue;
    checkAlive(kernel, name, tensor, backend);
    const other = uses.get(tensor.storage);
    if (other !== undefined) {
      throw new BackendError(`${kernel}: into.${name} and ${other} are one tensor; add into one of its own`);
    }
    uses.set(tensor.storage, `into.${name}`);
  }
}

/** @throws BackendError, always */
function refuseKind(kernel: string, { name, dtypes }: Backend, dtype: DType): never {
  throw new BackendError(`${kernel}: backend ${name} has no ${dtype}; it has ${dtypes.join(", ")}`);
}

/** @throws BackendError or ShapeError where an output cannot be added to its target */
function checkTarget(kernel: string, name: string, { shape, dtype }: TensorSpec, target: Tensor): void {
  if (dtype === "bool" || dtype === "bfloat16")
    throw new BackendError(`${kernel}: ${name} is ${dtype}; it adds into nothing`);
  if (target.dtype !== dtype || !sameShape(target.shape, shape)) {
    throw new ShapeError(kernel, `into.${name} is not of the output's shape and dtype`, {
      output: shape,
      into: target.shape,
    });
  }
}
