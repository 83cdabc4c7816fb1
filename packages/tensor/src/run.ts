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
  into: TensorRecord = {},
): RunPlan {
  // JavaScript, and names that were put together, come past the compiler.
  const contract = contracts[kernel] as AnyContract | undefined;
  if (!contract) throw new BackendError(`there is no kernel ${kernel}${didYouMean(kernel, kernelNames)}`);
  return planBy(contract, kernel, { backend, inputs, attributes, into });
}

/** The same of a `runOp`. @throws ShapeError or BackendError, before anything runs. */
export function planOp(backend: Backend, op: AnyOp, inputs: TensorRecord, attributes: object): RunPlan {
  return planBy(op, op.name, { backend, inputs, attributes, into: {} });
}

interface Given {
  readonly backend: Backend;
  readonly inputs: TensorRecord;
  readonly attributes: object;
  readonly into: TensorRecord;
}

function planBy(
  contract: AnyContract,
  kernel: string,
  { backend, inputs, attributes, into }: Given,
): RunPlan {
  const operands: Record<string, Tensor> = {};
  for (const name of contract.inputs) {
    const tensor = inputs[name];
    if (!tensor) throw new BackendError(`${kernel}: input ${name} is missing`);
    operands[name] = tensor;
  }
  for (const name of contract.optional) if (inputs[name]) operands[name] = inputs[name];
  const names = Object.keys(operands);
  const targets = Object.keys(into);
  for (const name of names) checkAlive(kernel, name, operands[name], backend);
  for (const name of targets) checkAlive(kernel, name, into[name], backend);
  for (const name of names) {
    const { dtype } = operands[name];
    const wanted = contract.dtypes[name] ?? FLOAT32;
    if (!wanted.includes(dtype)) {
      throw new BackendError(`${kernel}: ${name} is ${dtype}; it must be ${wanted.join(" or ")}`);
    }
  }
  if (targets.length > 0) checkTargets(kernel, operands, into);
  const specs = contract.infer(operands, attributes);
  const outputs = contract.outputs.map((name) => {
    const spec = specs[name];
    const target = into[name];
    if (target && spec.dtype === "bool")
      throw new BackendError(`${kernel}: ${name} is bool; it adds into nothing`);
    if (target && (target.dtype !== spec.dtype || !sameShape(target.shape, spec.shape))) {
      throw new ShapeError(kernel, `into.${name} is not of the output's shape and dtype`, {
        output: spec.shape,
        into: target.shape,
      });
    }
    return { name, spec, into: target };
  });
  return { contract, outputs };
}

const FLOAT32: readonly DType[] = ["float32"];

function checkAlive(kernel: string, name: string, tensor: Tensor | undefined, backend: Backend): void {
  if (!tensor) return;
  if (tensor.freed) throw new BackendError(`${kernel}: ${name} was freed before this use`);
  if (tensor.backend !== backend) {
    throw new BackendError(
      `${kernel}: ${name} lives on backend ${tensor.backend.name}, not on this ${backend.name}. ` +
        "Upload its values to the backend that runs the kernel.",
    );
  }
}

/** A kernel may read its inputs while it adds to its results. @throws BackendError where one tensor is two of them. */
function checkTargets(kernel: string, operands: TensorRecord, into: TensorRecord): void {
  const uses = new Map(Object.entries(operands).map(([name, tensor]) => [tensor?.storage, name]));
  for (const [name, tensor] of Object.entries(into)) {
    if (!tensor) continue;
    const other = uses.get(tensor.storage);
    if (other !== undefined) {
      throw new BackendError(`${kernel}: into.${name} and ${other} are one tensor; add into one of its own`);
    }
    uses.set(tensor.storage, `into.${name}`);
  }
}
