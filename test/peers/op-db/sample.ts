/** One of PyTorch's samples, and what we make of it. */
import { add, mul, type Parameters, sum, type Value, valueAndGrad } from "@normless/autograd";
import { fromBytes, readHeader, readTensor } from "@normless/safetensors";
import { type Backend, dtypeOf, scope, type Tensor } from "@normless/tensor";
import { expectClose, type Value as Values } from "@normless/tensor/testing";
import { readFileSync } from "node:fs";
import { type Argument, Call } from "./call.js";
import { leftOut } from "./left-out.js";
import { table } from "./table.js";
import { toleranceOf } from "./tolerances.js";

/** As samples.json has it; strings are names in values.safetensors. */
export interface Sample {
  readonly op: string;
  readonly variant: string;
  readonly number: number;
  readonly arguments: readonly Argument[];
  readonly named: Readonly<Record<string, Argument>>;
  readonly outputs: readonly { readonly values: string; readonly weights: string | null }[];
  /** Of what weights·outputs add up to, by the operand. */
  readonly gradients: Readonly<Record<string, string>>;
}

/** Whether the sample went as in PyTorch. */
export type Outcome =
  { readonly kind: "passed" } | { readonly kind: "left out" | "failed"; readonly why: string };

/** Everything in a safetensors file, by name. */
export async function readValues(path: string): Promise<ReadonlyMap<string, Values>> {
  const source = fromBytes(readFileSync(path), path);
  const header = await readHeader(source);
  const read = new Map<string, Values>();
  for (const [name, { shape }] of header.tensors) {
    const data = await readTensor(source, header, name);
    read.set(name, { shape, data: data as Values["data"] });
  }
  return read;
}

/** The sample on a backend: what comes out, then the gradients of its weighted sum, each held against PyTorch's. */
export async function tryOut(
  backend: Backend,
  sample: Sample,
  values: ReadonlyMap<string, Values>,
): Promise<Outcome> {
  const { names, run } = table[sample.op];
  const operands = new Map(
    tensorsIn([sample.arguments, Object.values(sample.named)]).map((name) => [name, upload(name)] as const),
  );
  const callOn = (given: ReadonlyMap<string, Value>) => new Call(names, sample, given);
  const reason = leftOut.find(({ ops, when }) => ops.includes(sample.op) && when(callOn(operands)));
  try {
    if (reason) return { kind: "left out", why: reason.why };
    await checkOutputs();
    if (Object.keys(sample.gradients).length > 0) await checkGradients();
    return { kind: "passed" };
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  } finally {
    for (const tensor of operands.values()) tensor.free();
  }

  function upload(name: string): Tensor {
    const { data, shape } = valuesOf(name);
    return backend.upload(data, shape);
  }

  function valuesOf(name: string): Values {
    const found = values.get(name);
    if (!found) throw new Error(`there are no values of ${name}`);
    return found;
  }

  async function checkOutputs(): Promise<void> {
    const outputs = scope(() => {
      const call = callOn(operands);
      const outputs = [run(call)].flat() as Tensor[];
      if (call.unread.length > 0) throw new Error(`nobody looks at ${call.unread.join(", ")}`);
      return outputs;
    });
    try {
      if (outputs.length !== sample.outputs.length) throw new Error(`there are ${outputs.length} outputs`);
      for (const [at, tensor] of outputs.entries())
        await check(`output ${at}`, tensor, sample.outputs[at].values);
    } finally {
      for (const tensor of outputs) tensor.free();
    }
  }

  async function checkGradients(): Promise<void> {
    const asked = Object.keys(sample.gradients);
    const params: Parameters = Object.fromEntries(asked.map((name) => [name, operands.get(name) as Tensor]));
    const weights = sample.outputs.map(({ weights }) => weights && upload(weights));
    const { value, grads } = valueAndGrad((variables) => {
      const onTape = new Map<string, Value>([...operands, ...Object.entries(variables)]);
      const outputs = [run(callOn(onTape))].flat();
      const weighted = outputs.flatMap((output, at) => {
        const weight = weights[at];
        return weight ? [sum(mul(output, weight))] : [];
      });
      return weighted.reduce((all, one) => add(all, one));
    }, params);
    for (const name of asked) await check(`gradient of ${name}`, grads[name], sample.gradients[name]);
    for (const tensor of [value, ...Object.values(grads), ...weights]) if (tensor) tensor.free();
  }

  async function check(what: string, tensor: Tensor, name: string): Promise<void> {
    const { data, shape } = valuesOf(name);
    const [ours, theirs] = [
      `${tensor.dtype} [${tensor.shape.join(",")}]`,
      `${dtypeOf(data)} [${shape.join(",")}]`,
    ];
    if (ours !== theirs) throw new Error(`${what} is ${ours}, PyTorch's is ${theirs}`);
    expectClose(what, await tensor.read(), data, toleranceOf(sample.op));
  }
}

/** Names of all tensors in arguments. */
function tensorsIn(given: unknown): string[] {
  if (Array.isArray(given)) return given.flatMap(tensorsIn);
  return typeof given === "object" && given !== null && "tensor" in given ? [given.tensor as string] : [];
}
