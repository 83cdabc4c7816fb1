/**
 * A GPU op as data: passes over named buffers, in order. The op files (gpu/kernels in gpu.js, gpu/wgsl/kernels by hand) turn
 * shapes and attributes into a Program and touch no device; an executor (gpu/program.ts) runs Programs and knows no op.
 */
import type { DType, TensorData } from "./dtype.js";
import type { Shape } from "./shape.js";

/**
 * A buffer as a kernel of gpu.js sees it: flat, `a[i]`, or in rows of `width` values, `a[y][x]`, which keeps every
 * index below 2^24, where float32 counts exactly: gpu.js adds a thread's number and a loop's counter as floats. The
 * last row may be short; nothing reads what it lacks.
 */
export interface Read {
  readonly name: string;
  readonly width?: number;
}

/** A kernel of gpu.js: computes every value of one new buffer from others. */
export interface JsPass {
  readonly kind: "gpu.js";
  /** Names the compiled kernel: equal keys have equal sources. Shapes are baked in, so they are part of it. */
  readonly key: string;
  /** The kernel function's source; arguments are the buffers of `reads`, then the `floats`. Its bounds are literals. */
  readonly source: string;
  /** gpu.js's output: [x] or [x, y], x fastest. */
  readonly output: readonly [number] | readonly [number, number];
  readonly reads: readonly Read[];
  /** A buffer that this pass does not read. Several passes may write one in turn: the last one's values stay. */
  readonly writes: string;
  /** Scalars that may change from call to call without a new compile. */
  readonly floats: readonly number[];
}

/** A kernel in WGSL: several outputs, in place if it likes. */
export interface WgslPass {
  readonly kind: "wgsl";
  readonly key: string;
  readonly code: string;
  /** Buffers of group 0 by binding, 0 and on; the floats, if any, are a uniform array of vec4 in the binding after them. */
  readonly binds: readonly { readonly name: string; readonly access: "read" | "read_write" }[];
  readonly floats: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

/** An op for given shapes: its passes, in order, and the buffers that they need beside operands and outputs. */
export interface Program {
  /** Buffers that live for this op only: number of values by name. */
  readonly temporaries?: Readonly<Record<string, number>>;
  /** Small tables that the host made (a CSR of token ids): uploaded before the first pass. */
  readonly tables?: Readonly<Record<string, TensorData>>;
  /** Buffers made of one operand alone, by a pass that reads it: kept for later ops until the operand changes or goes. */
  readonly derived?: Readonly<
    Record<string, { readonly of: string; readonly size: number; readonly pass: WgslPass }>
  >;
  readonly passes: readonly (JsPass | WgslPass)[];
  /** Operands that the op mutates and whose new values a JsPass wrote to a temporary: operand → temporary. */
  readonly replaces?: Readonly<Record<string, string>>;
  /** Outputs whose passes honour `add` themselves; the executor adds the others. */
  readonly adds?: readonly string[];
}

/** An operand as an op file sees it. */
export interface Operand {
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
  /** The values of an int32 tensor that came from the host. */
  readonly ints?: Int32Array | undefined;
}

/** An output as an op file sees it. */
export interface Result {
  readonly shape: Shape;
  readonly size: number;
  /** Add to the values that are there. */
  readonly add: boolean;
}
