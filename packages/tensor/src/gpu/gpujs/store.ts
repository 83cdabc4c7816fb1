/** Where values are between kernels: textures on GL, plain arrays where gpu.js computes in Node's or the page's memory. */
import { BackendError } from "../../errors.js";
import type { JsPass } from "../program.js";
import type { GpuJs } from "./library.js";

/** A buffer. */
export interface Stored {
  readonly size: number;
  readonly value: Float32Array | Texture;
}

/** What is used of a texture of gpu.js. */
export interface Texture {
  dimensions: readonly number[];
  output: readonly number[];
  /** Another texture object on the same values. */
  clone(): Texture;
  toArray(): Nested;
  delete(): void;
}
type Nested = Float32Array | readonly Nested[];

/** How one kind of mode keeps and passes values. */
export interface Store {
  /** The settings of every kernel, beside what its pass says. */
  readonly settings: object;
  /** The source and output with which this kind compiles a pass. */
  compile(pass: Pick<JsPass, "source" | "output">): { readonly source: string; readonly output: number[] };
  /** @throws BackendError when a kernel cannot have buffers of these sizes. */
  check(sizes: readonly number[], what: string): void;
  /** Whether host values stay elsewhere once a kernel has copied them; else the array itself is the buffer. */
  readonly copies: boolean;
  /** A buffer as the argument of a kernel, in rows of `width` or flat. `done` when the kernel has run. */
  argument(stored: Stored, width: number | undefined): { readonly value: unknown; readonly done: () => void };
  result(raw: unknown, size: number): Stored;
  read(stored: Stored): Float32Array;
  release(stored: Stored): void;
}

/** Values that a WebAssembly memory of 4 GiB holds, less 1 MiB that gpu.js adds. A kernel has one, for all it reads. */
const MEMORY = 2 ** 30 - 2 ** 18;

/** Modes webasm and cpu: every call takes and gives arrays. */
export function arrayStore({ Input }: GpuJs): Store {
  return {
    settings: {},
    copies: false,
    compile: ({ source, output }) => ({ source, output: [...output] }),
    check(sizes, what) {
      const total = sizes.reduce((sum, size) => sum + size, 0);
      if (total > MEMORY) throw tooLarge(what, `${total} values in all`, MEMORY);
    },
    argument({ value, size }, width) {
      const done = () => undefined;
      if (!width) return { value, done };
      const rows = Math.ceil(size / width);
      let values = value as Float32Array;
      if (size < rows * width) {
        values = new Float32Array(rows * width);
        values.set(value as Float32Array);
      }
      return { value: new Input(values, [width, rows]), done };
    },
    result: (raw, size) => ({ size, value: flatten(raw as Nested, size) }),
    read: ({ value }) => (value as Float32Array).slice(),
    release: () => undefined,
  };
}

/**
 * Modes on GL. All outputs are (x, 1, y): gpu.js lays those out in a texture as square as can be, whatever their sides,
 * so that no row is longer than a texture may be, and every texture is of one class, as its kernels want.
 */
export function textureStore(maxSide: number): Store {
  return {
    settings: { pipeline: true, immutable: true },
    copies: true,
    compile: ({ source, output: [x, y = 1] }) => ({
      source: source.replaceAll("this.thread.y", "this.thread.z"),
      output: [x, 1, y],
    }),
    check(sizes, what) {
      const size = Math.max(...sizes);
      if (size > maxSide * maxSide) throw tooLarge(what, `${size} values in one buffer`, maxSide * maxSide);
    },
    argument({ value, size }, width) {
      const view = (value as Texture).clone();
      const dimensions = width ? [width, Math.ceil(size / width), 1] : [size, 1, 1];
      view.dimensions = dimensions;
      view.output = dimensions;
      return { value: view, done: () => view.delete() };
    },
    result: (raw, size) => ({ size, value: raw as Texture }),
    read: ({ value, size }) => flatten((value as Texture).toArray(), size).slice(),
    release: ({ value }) => (value as Texture).delete(),
  };
}

function tooLarge(what: string, wanted: string, limit: number): BackendError {
  return new BackendError(`gpu: ${what} needs ${wanted}; this mode holds ${limit} at most`);
}

/** The values of a result of gpu.js, which gives a 2D one as rows: most often pieces of one array, in their order. */
function flatten(nested: Nested, size: number): Float32Array {
  if (nested instanceof Float32Array) return nested.length === size ? nested : nested.slice(0, size);
  const first = nested[0];
  if (first instanceof Float32Array && first.byteOffset === 0 && first.buffer.byteLength === size * 4) {
    return new Float32Array(first.buffer);
  }
  const flat = new Float32Array(size);
  let at = 0;
  const add = (part: Nested) => {
    if (!(part instanceof Float32Array)) return part.forEach(add);
    flat.set(part, at);
    at += part.length;
  };
  add(nested);
  return flat;
}
