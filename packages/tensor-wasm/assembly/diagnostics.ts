/** Jobs that measure the engine itself and nothing else. */
import { int, pointer, ZEROS } from "./control";
import { micro } from "./gemm";

/** Hands a job out and does nothing. */
export function nothing(): void {}

/** The micro-kernel on operands that stay in the nearest cache. ints: turns, scratch (14,528 bytes a thread), bytes a thread. */
export function microTurns(unit: i32, thread: i32): void {
  const a = pointer(1) + <usize>thread * <usize>pointer(2);
  const b = a + 6 * 1024;
  const c = b + 8 * 1024;
  for (let turn = int(0); turn > 0; turn--) micro(256, a, 24, b, ZEROS, 0, c, 32);
}
