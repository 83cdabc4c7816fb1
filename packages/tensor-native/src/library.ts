/** The compiled library: found, held against the processor, loaded once; and its functions, by their prototypes in C. */
import { BackendError } from "@normless/tensor";
import koffi, { type LibraryHandle } from "koffi";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { processor, sources } from "../scripts/made-of.js";

/** What a build is, as scripts/build.js records it. */
export interface Build {
  /** Of sources, compiler, flags and processor: two builds of one id compute the same bits. */
  readonly id: string;
  readonly library: string;
  /** Of the C files that it was made of. */
  readonly sources: string;
  readonly compiler: string;
  /** Whether AddressSanitizer watches. */
  readonly sanitized: boolean;
  readonly processor: { readonly arch: string; readonly has: readonly string[] };
}

/** A library that is loaded. */
export interface Library {
  readonly build: Build;
  readonly handle: LibraryHandle;
}

const BUILD = "npm run build:native (from the packages: npx normless-native build)";
const loaded = new Map<string, Library>();

/** Where builds are: beside the package's package.json, also for who has this module in a bundle. */
function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("@normless/tensor-native/package.json"));
}

/** Loads the library of a folder, once. @throws BackendError when there is none, or one that this processor cannot run. */
export function loadLibrary(folder = join(packageFolder(), "build")): Library {
  const known = loaded.get(folder);
  if (known) return known;
  const stamp = join(folder, "build.json");
  if (!existsSync(stamp)) {
    throw new BackendError(`native: it is not built. ${BUILD} needs a C compiler and a few seconds.`);
  }
  const build = JSON.parse(readFileSync(stamp, "utf8")) as Build;
  if (build.sources !== sources(packageFolder()).hash) {
    throw new BackendError(
      `native: what was built is of another version of its sources. Build it again: ${BUILD}.`,
    );
  }
  checkProcessor(build);
  let handle: LibraryHandle;
  try {
    handle = koffi.load(join(folder, build.library));
  } catch (error) {
    throw new BackendError(`native: ${String(error)}. Build it again: ${BUILD}.`);
  }
  const library = { build, handle };
  loaded.set(folder, library);
  return library;
}

/** Code for instructions that a processor lacks ends the process. */
function checkProcessor({ processor: builtFor }: Build): void {
  const { arch, has } = processor();
  const lacks = builtFor.has.filter((feature) => !has.includes(feature));
  if (builtFor.arch === arch && lacks.length === 0) return;
  const why = builtFor.arch === arch ? `it lacks ${lacks.slice(0, 5).join(", ")}` : `it is ${arch}`;
  throw new BackendError(
    `native: it was built for another processor (${builtFor.arch}; of this one, ${why}). Build it here: ${BUILD}.`,
  );
}

/** A function of the library: numbers and addresses in, a number out. */
export type NativeFunction = (...args: (number | ArrayBufferView)[]) => number;

/**
 * A function by its prototype, word for word as its C file has it after EXPORT; a test holds the two to be the same, since
 * a difference would be memory that is overwritten. Addresses are numbers.
 */
export class Prototype {
  readonly name: string;
  readonly #of = new WeakMap<LibraryHandle, NativeFunction>();
  constructor(readonly declaration: string) {
    const name = /(\w+)\(/.exec(declaration)?.[1];
    if (!name) throw new BackendError(`no prototype: ${declaration}`);
    this.name = name;
    prototypes.push(this);
  }
  in({ handle }: Library): NativeFunction {
    const known = this.#of.get(handle);
    if (known) return known;
    // Of memory that JavaScript holds, and hands over for the call alone, koffi finds the address.
    const declaration = this.declaration.replace(/(const )?\b(?!void\b)\w+ \*/g, "intptr_t ");
    const bound = handle.func(declaration) as NativeFunction;
    this.#of.set(handle, bound);
    return bound;
  }
}

/** All that are declared, for the test. */
export const prototypes: Prototype[] = [];

/** `void *` is for memory that JavaScript holds; other pointers are addresses in the engine's. */
export function declare(declaration: string): Prototype {
  return new Prototype(declaration);
}
