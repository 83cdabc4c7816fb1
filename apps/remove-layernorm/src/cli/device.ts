/** A model's folder on an engine, for as long as a command looks at it. */
import { freeParams, type LoadedModel, type Model, uploadWeights } from "@normless/gpt2";
import { type EngineOptions, withEngine } from "./engine.js";
import { findModel } from "./hub.js";
import type { Io } from "./io.js";
import { shippedModel } from "./shipped.js";

export interface ModelOptions extends EngineOptions {
  readonly model?: string | undefined;
}

export interface ModelOnDevice {
  /** The folder that it came from. */
  readonly path: string;
  readonly loaded: LoadedModel;
  readonly device: Model;
}

/** Reads the model asked for, or the one that ships, and gives all memory back afterwards. */
export async function withModel<X>(
  io: Io,
  options: ModelOptions,
  use: (model: ModelOnDevice) => Promise<X>,
): Promise<X> {
  const found = await findModel(io, options.model ?? shippedModel());
  const { folder: path } = found;
  const loaded = await found.load();
  return withEngine(io, options, async ({ backend }) => {
    const params = uploadWeights(backend, loaded.weights);
    try {
      return await use({ path, loaded, device: { config: loaded.config, norms: loaded.norms, params } });
    } finally {
      freeParams(params);
    }
  });
}
