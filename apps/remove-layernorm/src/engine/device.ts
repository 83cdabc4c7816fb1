/** A model's folder on an engine, for as long as a command looks at it. */
import { freeParams, type LoadedModel, type Model, uploadWeights } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { type EngineOptions, withEngine } from "./engine.js";
import { findModel } from "../models/hub.js";
import type { Io } from "../terminal/io.js";
import { shippedModel } from "../models/shipped.js";

export interface ModelOptions extends EngineOptions {
  readonly model?: string | undefined;
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
): Promise<X> {
  const { config, norms, weights } = model.loaded;
  const params = await uploadWeights(backend, weights);
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
    withEngine(io, options, ({ backend }) => onDevice(backend, model, use)),
  );
}
