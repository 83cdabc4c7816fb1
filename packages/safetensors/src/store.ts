// One or several safetensors files as one set of tensors, as big models are split ("sharded") on Hugging Face.
// Source: `model.safetensors.index.json`, https://huggingface.co/docs/transformers/big_models#sharded-checkpoints
// Not here: finding or opening the files; whoever calls passes the sources in.
import { SafetensorsError } from "./errors.js";
import { readHeader, type Header, type TensorInfo } from "./header.js";
import { describe, isObject, parseJson } from "./json.js";
import { findTensor, listNames, readFloat32, readFloat32Into, readTensor } from "./read.js";
import type { TensorData } from "./dtypes.js";
import type { ByteSource } from "./source.js";

/** The tensors of one or several files. Errors of the methods name the tensor and its file. */
export interface Store {
  /** Every tensor's name, file by file, in the order of the bytes. */
  names(): string[];
  has(name: string): boolean;
  info(name: string): TensorInfo;
  /** What the source that has it is called: its file. */
  file(name: string): string;
  /** See `readTensor`. */
  readTensor(name: string): Promise<TensorData>;
  /** See `readFloat32`. */
  readFloat32(name: string): Promise<Float32Array>;
  /** See `readFloat32Into`. */
  readFloat32Into(target: Float32Array, name: string): Promise<Float32Array>;
}

/**
 * The text of a `model.safetensors.index.json` as a map from tensor name to file name.
 * @throws SafetensorsError for a text of another form, a tensor listed twice, and a file name that leaves the folder.
 */
export function readIndex(text: string, name = "model.safetensors.index.json"): Map<string, string> {
  const index = parseJson(text, { where: name, plainIntegers: [] });
  const weightMap = isObject(index) ? index.weight_map : undefined;
  if (!isObject(weightMap)) {
    throw new SafetensorsError(
      `${name} has no object "weight_map" from tensor to file; it is not a safetensors index`,
    );
  }
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(weightMap)) {
    // A path could lead a reader out of the model's folder, so only plain names are taken.
    if (typeof file !== "string" || !/^[^/\\]+$/.test(file) || file === "." || file === "..") {
      throw new SafetensorsError(
        `${name}: tensor "${tensor}" is in ${describe(file)}; expected the plain name of a file in the same folder`,
      );
    }
    files.set(tensor, file);
  }
  return files;
}

/**
 * Reads the headers of the sources and presents them as one. With the index of a sharded model, the sources (by the
 * last part of their names) must be the files it lists, each with the tensors it lists and no others.
 * @throws SafetensorsError for a tensor that is in two sources, listed but missing, or there but not listed.
 */
export async function openStore(
  sources: Iterable<ByteSource>,
  options: { readonly index?: ReadonlyMap<string, string> } = {},
): Promise<Store> {
  const homes = new Map<string, Home>();
  const homeList: Home[] = [];
  for (const source of sources) {
    const home: Home = { source, header: await readHeader(source) };
    homeList.push(home);
    for (const name of home.header.tensors.keys()) {
      const other = homes.get(name);
      if (other) {
        throw new SafetensorsError(
          `tensor "${name}" is in both ${other.source.name} and ${source.name}; give files of one model, each once`,
        );
      }
      homes.set(name, home);
    }
  }
  if (options.index) checkIndex(options.index, homeList, homes);

  const homeOf = (name: string): Home => {
    const home = homes.get(name);
    if (home) return home;
    const where = homeList.map(({ source }) => source.name).join(", ") || "a store of no files";
    throw new SafetensorsError(`${where}: there is no tensor "${name}"; ${listNames(homes.keys())}`);
  };
  return {
    names: () => [...homes.keys()],
    has: (name) => homes.has(name),
    info: (name) => {
      const { source, header } = homeOf(name);
      return findTensor(source, header, name);
    },
    file: (name) => homeOf(name).source.name,
    readTensor: async (name) => {
      const { source, header } = homeOf(name);
      return readTensor(source, header, name);
    },
    readFloat32: async (name) => {
      const { source, header } = homeOf(name);
      return readFloat32(source, header, name);
    },
    readFloat32Into: async (target, name) => {
      const { source, header } = homeOf(name);
      return readFloat32Into(target, source, header, name);
    },
  };
}

/** A file and what it says of itself. */
interface Home {
  readonly source: ByteSource;
  readonly header: Header;
}

/** The index and the files must tell of the same tensors in the same places. */
function checkIndex(
  index: ReadonlyMap<string, string>,
  homeList: readonly Home[],
  homes: ReadonlyMap<string, Home>,
): void {
  const given = new Map(homeList.map((home) => [fileName(home.source), home]));
  for (const [name, file] of index) {
    const home = given.get(file);
    if (!home) {
      const files = [...given.keys()].join(", ") || "none";
      throw new SafetensorsError(
        `the index lists tensor "${name}" in ${file}, which is not among the files given (${files}); give it too`,
      );
    }
    if (!home.header.tensors.has(name)) {
      const elsewhere = homes.get(name);
      throw new SafetensorsError(
        `the index lists tensor "${name}" in ${file}, which does not have it` +
          (elsewhere ? `; ${elsewhere.source.name} does` : "") +
          `: the index and the files are not of one model, get them again`,
      );
    }
  }
  for (const [name, home] of homes) {
    if (!index.has(name)) {
      throw new SafetensorsError(
        `${home.source.name} has tensor "${name}", which the index does not list: ` +
          `the index and the files are not of one model, get them again`,
      );
    }
  }
}

function fileName(source: ByteSource): string {
  return source.name.split(/[/\\]/).at(-1)!;
}
