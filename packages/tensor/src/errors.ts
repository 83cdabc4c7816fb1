import { type Shape, showShape } from "./shape.js";

/** An operand does not fit its op. The message names the op, the shapes and the likely fix. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  constructor(
    readonly op: string,
    problem: string,
    readonly shapes: Readonly<Record<string, Shape>>,
    fix?: string,
  ) {
    const listed = Object.entries(shapes).map(([operand, shape]) => `${operand} ${showShape(shape)}`);
    super(`${op}: ${problem} (${listed.join(", ")})${fix ? `. ${fix}` : ""}`);
  }
}

/** A backend cannot do what was asked: out of memory, a tensor of another backend, use after free. */
export class BackendError extends Error {
  override readonly name: string = "BackendError";
}

/** The device went away (a driver's restart, a laptop's sleep). Another backend can go on from what was saved. */
export class DeviceLostError extends BackendError {
  override readonly name = "DeviceLostError";
}
