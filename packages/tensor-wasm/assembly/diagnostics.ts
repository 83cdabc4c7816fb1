/** Jobs that measure the engine itself and nothing else. */
import { int, pointer, ZEROS } from "./control";
import { micro } from "./gemm";
import { fma, splat } from "./simd";

/** Ends when so many units have begun, each of them on a thread of its own then. ints: a counter that is 0, units. */
export function meet(): void {
  const counter = pointer(0);
  atomic.add<i32>(counter, 1);
  while (atomic.load<i32>(counter) < int(1)) {}
}

/** The micro-kernel on operands that stay in the nearest cache. ints: turns, scratch (14,528 bytes a thread), bytes a thread. */
export function microTurns(unit: i32, thread: i32): void {
  const a = pointer(1) + <usize>thread * <usize>pointer(2);
  const b = a + 6 * 1024;
  const c = b + 8 * 1024;
  for (let turn = int(0); turn > 0; turn--) micro(256, a, 24, b, ZEROS, 0, c, 32);
}

/** a·b + c in one rounding or in two, as this engine does it in this build. */
export function multiplyAdd(a: f32, b: f32, c: f32): f32 {
  return f32x4.extract_lane(fma(splat(a), splat(b), splat(c)), 0);
}
