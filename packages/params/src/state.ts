/**
 * An optimiser's state to entries of a safetensors file, beside parameters or alone, and out of one. A moment has its
 * parameter's shape and its name behind its own: `adamw.m.h.0.weight`; the updates done are `adamw.step`, an I64.
 */
import type { AdamWState, Named, SgdState } from "@normless/optim";
import type { Store, TensorEntry } from "@normless/safetensors";
import { BackendError, type Shape } from "@normless/tensor";
import type { Moment } from "./names.js";
import { checkStored } from "./stored.js";

/** What is known of a parameter here: a Tensor is one. */
export interface Shaped {
  readonly shape: Shape;
}

/**
 * What an optimiser's `save` gave, as entries; `params` are those that it has. @throws BackendError naming a parameter that
 * the state does not have, or one of the state's that is none
 */
export function stateEntries(state: AdamWState | SgdState, params: Named<Shaped>): TensorEntry[] {
  const moments: readonly (readonly [Moment, Named<Float32Array>])[] =
    "momentum" in state
      ? [["sgd.momentum", state.momentum]]
      : [
          ["adamw.m", state.m],
          ["adamw.v", state.v],
        ];
  const step = "momentum" in state ? "sgd.step" : "adamw.step";
  return [
    { name: step, dtype: "I64", shape: [], data: BigInt64Array.of(BigInt(state.step)) },
    ...moments.flatMap(([moment, values]) => {
      checkNames(`stateEntries: the state's ${moment}`, Object.keys(values), params, moment);
      return Object.entries(values).map(([name, data]): TensorEntry => {
        return { name: `${moment}.${name}`, dtype: "F32", shape: params[name].shape, data };
      });
    }),
  ];
}

/**
 * What AdamW's `load` takes, of a file that has the entries of such a state.
 * @throws SafetensorsError naming what is missing, ShapeError what has another shape, BackendError what is of no parameter
 */
export async function readAdamWState(store: Store, params: Named<Shaped>): Promise<AdamWState> {
  return {
    step: await readStep(store, "adamw.step"),
    m: await readMoment(store, "adamw.m", params),
    v: await readMoment(store, "adamw.v", params),
  };
}

/**
 * What Sgd's `load` takes, of a file that has the entries of such a state.
 * @throws SafetensorsError naming what is missing, ShapeError what has another shape, BackendError what is of no parameter
 */
export async function readSgdState(store: Store, params: Named<Shaped>): Promise<SgdState> {
  return {
    step: await readStep(store, "sgd.step"),
    momentum: await readMoment(store, "sgd.momentum", params),
  };
}

async function readStep(store: Store, name: string): Promise<number> {
  const { dtype, shape } = store.info(name);
  if (dtype === "I64" && shape.length === 0) return Number((await store.readTensor(name))[0]);
  throw new BackendError(
    `${name} in ${store.file(name)} is no number of updates, which is an I64 without a shape`,
  );
}

async function readMoment(store: Store, moment: Moment, params: Named<Shaped>): Promise<Named<Float32Array>> {
  const names = store.names().flatMap((name) => {
    return name.startsWith(`${moment}.`) ? [name.slice(moment.length + 1)] : [];
  });
  checkNames(`the file's ${moment}`, names, params, moment);
  for (const name of names) {
    const { shape } = params[name];
    checkStored("the optimiser's state", store, `${moment}.${name}`, { shape, dtype: "float32" });
  }
  const values = new Map<string, Float32Array>();
  for (const name of names) {
    values.set(name, await store.readFloat32(`${moment}.${name}`));
  }
  return Object.fromEntries(values);
}

/** That there is one for each parameter, and no other; SGD has none before its first update, or where there is no momentum. */
function checkNames(what: string, names: readonly string[], params: Named<Shaped>, moment: Moment): void {
  const extra = names.find((name) => !Object.hasOwn(params, name));
  if (extra !== undefined) {
    throw new BackendError(`${what} is of ${extra}, which is no parameter; is it of another model?`);
  }
  if (moment === "sgd.momentum" && names.length === 0) return;
  const missing = Object.keys(params).find((name) => !names.includes(name));
  if (missing !== undefined) {
    throw new BackendError(`${what} has nothing of parameter ${missing}; is it of another model?`);
  }
}
