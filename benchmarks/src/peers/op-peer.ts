/** What a peer has to offer for its ops to be measured beside ours: operands taken in once, then the same call again and again. */
import type { TensorData } from "@normless/tensor";
import type { PeerName } from "../results/results.js";

/** Values as a case gives them; their kind is the array's, bytes for bool. */
export interface OperandData {
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A tensor of the peer's, which only the peer looks into. */
export type Handle = object;

/** A function of the peer by its name: `neg`, `numpy.negative`. @throws Error when it has none of that name */
export type Api = (path: string) => (...operands: readonly unknown[]) => Handle;

/** An op in the words of one peer. */
export interface PeerCall {
  /** The result, or several as an array or an object; the first is checked. */
  readonly call: (api: Api, operands: readonly Handle[]) => Handle;
  /** Once, before anything is timed: operands in the order of dimensions that the peer wants. */
  readonly before?: (api: Api, operands: readonly Handle[]) => readonly Handle[];
  /** When results are checked: the result in our order of dimensions. */
  readonly after?: (api: Api, result: Handle) => Handle;
  /** jax-js: not through `jit`. */
  readonly eager?: boolean;
}

/** A peer's function of that name, of the operands and then these. */
export const named = (path: string, ...more: readonly unknown[]): PeerCall => ({
  call: (api, operands) => api(path)(...operands, ...more),
});

/** Peers of whose ops there are many. */
export type OpPeerName = Extract<PeerName, "tfjs-wasm" | "jax-js">;

export interface OpPeer {
  readonly name: OpPeerName;
  readonly threads: number;
  /** Name, version and what runs below. */
  readonly description: string;
  prepare(op: PeerCall, operands: readonly OperandData[]): Promise<PreparedOp>;
}

/** An op on operands that the peer has. */
export interface PreparedOp {
  /** One call until its result is there: the milliseconds that it took. The result is freed afterwards. */
  readonly run: () => Promise<number>;
  /** The values of the first result. */
  readonly values: () => Promise<ArrayLike<number>>;
  /** @throws Error when tensors are left that were made here */
  readonly free: () => void;
}

/** What a call gave, one or several. */
export function resultsOf(y: Handle): readonly Handle[] {
  if (Array.isArray(y)) return y as Handle[];
  return Object.getPrototypeOf(y) === Object.prototype ? (Object.values(y) as Handle[]) : [y];
}

/** @throws Error when there is no function of that name */
export function functionAt(peer: object, path: string): ReturnType<Api> {
  let at: unknown = peer;
  let owner: unknown;
  for (const name of path.split(".")) {
    owner = at;
    at = (at as Readonly<Record<string, unknown>> | undefined)?.[name];
  }
  if (typeof at !== "function") throw new Error(`there is no function ${path}`);
  return (...operands) => (at as (...operands: readonly unknown[]) => Handle).apply(owner, [...operands]);
}
