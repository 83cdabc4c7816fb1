/** The module from the host. */

/** What index.ts of the assembly exports. */
export interface Exports {
  publish(phase: number, units: number, parts: number, after: number, chained: number): void;
  drain(left: number): void;
  quitAll(): void;
  fail(): void;
  firstOutside(ids: number, length: number, limit: number): number;
  multiplyAdd(a: number, b: number, c: number): number;
}
