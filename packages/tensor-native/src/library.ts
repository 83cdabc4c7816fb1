/** The compiled library: found, held against the processor, loaded once; and its functions, by their prototypes in C. */
import { BackendError } from "@normless/tensor";
import koffi, { type LibraryHandle } from "koffi";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileHash, oneForm, processor, sources } from "../scripts/made-of.js";

/** What a build is, as scripts/build.js records it. */
export interface Build {
  /** Of the library's bytes: two builds of one id compute the same bits. */
  readonly id: string;
  /** The file. */
  readonly library: string;
  /** Whether AddressSanitizer watches. */
  readonly sanitized: boolean;
  readonly from: {
    /** A name for what was in the C files. */
    readonly sources: string;
    /** What the compiler says of itself. */
    readonly compiler: string;
    readonly processor: { readonly arch: string; readonly has: readonly string[] };
  };
  /** Prototypes of what the library exports, in one form. */
  readonly functions: readonly string[];
}

/** A library that is loaded. */
export interface Library {
  readonly build: Build;
  readonly handle: LibraryHandle;
}

const HOW = "npm run build:native (in a clone) or npx normless-native build";
const loaded = new Map<string, Library>();

/** Where builds are: beside the package's package.json, also for who has this module in a bundle. */
function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve("@normless/tensor-native/package.json"));
}

/**
 * Loads the library of a folder, once.
 * @throws BackendError when there is none, when it is damaged or of other sources, or when this processor cannot run it
 */
export function loadLibrary(folder = join(packageFolder(), "build")): Library {
  const known = loaded.get(folder);
  if (known) return known;
  const stamp = join(folder, "build.json");
  if (!existsSync(stamp)) {
    throw new BackendError(`native: it is not built. With a C compiler, in a few seconds: ${HOW}`);
  }
  const refuse = (why: string) => new BackendError(`native: ${why}. Build it again: ${HOW}`);
  let build: Build;
  try {
    build = JSON.parse(readFileSync(stamp, "utf8")) as Build;
  } catch (error) {
    throw refuse(`${stamp} is damaged (${messageOf(error)})`);
  }
  // Of the same sources it has the same fields.
  if (build.from?.sources !== sources(packageFolder()).hash) {
    throw refuse("what was built is of another version of its sources");
  }
  const lacks = lacking(build);
  if (lacks !== undefined) throw refuse(`it was built for another processor (${lacks})`);
  const path = join(folder, build.library);
  // Half a library can end the process that loads it.
  if (!existsSync(path) || fileHash(path) !== build.id) throw refuse(`the library in ${folder} is damaged`);
  let handle: LibraryHandle;
  try {
    handle = koffi.load(path);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const library = { build, handle };
  loaded.set(folder, library);
  return library;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** What this processor is or lacks, where a build is for another: code for instructions that are not there ends the process. */
function lacking({ from: { processor: builtFor } }: Build): string | undefined {
  const { arch, has } = processor();
  if (builtFor.arch !== arch) return `${builtFor.arch}, and this is ${arch}`;
  const lacks = builtFor.has.filter((feature) => !has.includes(feature));
  return lacks.length === 0 ? undefined : `this one lacks ${lacks.slice(0, 5).join(", ")}`;
}

/** A function of the library: numbers and addresses in, a number out. */
export type NativeFunction = (...args: (number | ArrayBufferView)[]) => number;

/**
 * A function by its prototype, word for word as its C file has it after EXPORT: a difference would be memory that is
 * overwritten. Addresses are numbers.
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
  /** Of a library. @throws BackendError when it has no such function, being of other sources than this code */
  in({ handle, build }: Library): NativeFunction {
    const known = this.#of.get(handle);
    if (known) return known;
    if (!build.functions.includes(oneForm(this.declaration))) {
      throw new BackendError(
        `native: what was built has no ${this.declaration}: it and this code are of two versions. Build both again: ${HOW}`,
      );
    }
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
