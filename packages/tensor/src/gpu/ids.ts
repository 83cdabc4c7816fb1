/** Ids, classes and places of int32 tensors from the host, which are checked there before a kernel runs. */
import { placesOf } from "../broadcast.js";
import { BackendError } from "../errors.js";
import { POSITION_CLASSES } from "../kernels/position-class.js";
import type { StridedAttributes } from "../kernels/strided.js";
import { sizeOf } from "../shape.js";
import type { Operand } from "./program.js";

type Operands = Readonly<Record<string, Operand | undefined>>;

/** More are not copied on the host for the sake of a check. */
const MOST_COPIED = 2 ** 16;

/** The ids that a copy in steps takes from others of the host, which are then checked as those are. */
export function copiedIds(kernel: string, { x }: Operands, attributes: object): Int32Array | undefined {
  if (kernel !== "strided" || !x?.ints) return undefined;
  const { ints } = x;
  const { shape, strides, offset } = attributes as StridedAttributes;
  if (sizeOf(shape) > MOST_COPIED) return undefined;
  return Int32Array.from(placesOf(shape, strides, offset), (place) => ints[place]);
}

/** Operands that name places in another one. */
const IDS = ["ids", "targets", "classes", "index"];

/** How many values an operand of ids may take, from 0. */
function idLimit(name: string, { table, w, x }: Operands, attributes: object): number {
  if (name === "classes") return POSITION_CLASSES.length;
  if (name === "targets" && w) return w.shape[0];
  if (table) return table.shape[0];
  if ("vocabulary" in attributes) return Number(attributes.vocabulary);
  return "N" in attributes ? Number(attributes.N) : (x?.shape[1] ?? 0);
}

/**
 * A kernel must never read or write outside of its operands. Those that take an `index` see to that themselves where nobody
 * has seen it on the host. @throws BackendError naming the first id that is outside, or an operand that a kernel made
 */
export function checkIds(op: string, operands: Operands, attributes: object): void {
  for (const name of IDS) {
    const ids = operands[name];
    if (!ids || ids.size === 0) continue;
    if (!ids.ints) {
      if (name === "index") continue;
      throw new BackendError(
        `${op}: ${name} were made by a kernel, so that nobody can check them before this one runs; ` +
          "read them and upload what they are, or take indexSelect and gather, which need no check",
      );
    }
    const limit = idLimit(name, operands, attributes);
    const at = ids.ints.findIndex((id) => id < 0 || id >= limit);
    if (at < 0) continue;
    throw new BackendError(`${op}: ${name}[${at}] is ${ids.ints[at]}; it must be from 0 to ${limit - 1}`);
  }
}
