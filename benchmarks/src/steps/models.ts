/** Fresh models as folders on disk, made once a run: so that our processes and PyTorch's start from the same weights. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Gpt2Config, initWeights, standardNorms } from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";

export class ModelFolders {
  readonly #made = new Map<string, Promise<string>>();

  private constructor(readonly root: string) {}

  static async create(): Promise<ModelFolders> {
    return new ModelFolders(await mkdtemp(join(tmpdir(), "normless-bench-")));
  }

  /** The folder of a fresh model of this config, in float32. */
  of(config: Gpt2Config): Promise<string> {
    const key = JSON.stringify(config);
    const known = this.#made.get(key);
    if (known) return known;
    const path = join(this.root, `model-${this.#made.size}`);
    const model = { config, weights: initWeights(config, 1337), norms: standardNorms(config) };
    const made = writeModelFolder(path, model).then(() => path);
    this.#made.set(key, made);
    return made;
  }

  /** Removes them all. */
  async end(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
