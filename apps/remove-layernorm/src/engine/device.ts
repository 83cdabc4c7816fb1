/** A model's folder on an engine, for as long as a command looks at it. */
import { freeParams, type LoadedModel, type Model, roundedWeights, uploadWeights } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { type EngineOptions, withEngine } from "./engine.js";
import { findModel } from "../models/hub.js";
import { UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { shippedModel } from "../models/shipped.js";

export interface ModelOptions extends EngineOptions {
  readonly model?: string | undefined;
  /** How the engine keeps matrices and embeddings; `rounded` computes in float32 with those that are kept in bfloat16. */
  readonly weights?: "float32" | "bfloat16" | "rounded" | undefined;
}

/** A model by its name, open. */
export interface NamedModel {
  /** As it was asked for. */
  readonly name: string;
  /** The folder that it came from: for one on the hub, in the cache. */
  readonly path: string;
  readonly loaded: LoadedModel;
}

export interface ModelOnDevice extends NamedModel {
  readonly device: Model;
}

/** Opens a model, by its folder or its name on the hub, for as long as `use` takes. */
export async function withFiles<X>(io: Io, name: string, use: (model: NamedModel) => Promise<X>): Promise<X> {
  const found = await findModel(io, name);
  return found.use((loaded) => use({ name, path: found.folder, loaded }));
}

/** Puts a model on an engine, and gives its memory back afterwards. */
export async function onDevice<X>(
  backend: Backend,
  model: NamedModel,
  use: (model: ModelOnDevice) => Promise<X>,
  kept: ModelOptions["weights"] = "float32",
): Promise<X> {
  const { config, norms, weights: onHost } = model.loaded;
  const weights = kept === "rounded" ? roundedWeights(onHost) : onHost;
  const matrices = kept === "bfloat16" ? kept : "float32";
  if (!backend.dtypes.includes(matrices)) {
    throw new UsageError(`engine ${backend.name} keeps no weights in ${matrices}; --backend native does`);
  }
  const params = await uploadWeights(backend, weights, { matrices });
  try {
    return await use({ ...model, device: { config, norms, params } });
  } finally {
    freeParams(params);
  }
}

/** Reads the model asked for, or the one that ships, and gives all memory back and closes its files afterwards. */
export async function withModel<X>(
  io: Io,
  options: ModelOptions,
  use: (model: ModelOnDevice) => Promise<X>,
): Promise<X> {
  return withFiles(io, options.model ?? shippedModel(), (model) =>
    withEngine(io, options, ({ backend }) => onDevice(backend, model, use, options.weights)),
  );
}
