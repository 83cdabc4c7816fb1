/**
 * Where the first 64 KiB of the shared memory hold what threads share: the running job and its arguments. Nothing
 * shared is ever a global, since each thread is its own instance of the module.
 */

/** Ticket counter: TICKET_BASE + units left. A stale decrement of a finished job leaves it below the base: harmless. */
export const TICKETS: usize = 1024;
export const DONE: usize = 1088;
/** Bumped with every job; sleeping workers wait on it. */
export const GENERATION: usize = 1152;
export const SLEEPING: usize = 1216;
export const QUIT: usize = 1280;
export const PHASE: usize = 1344;
export const UNITS: usize = 1348;
const INTS: usize = 2048;
const FLOATS: usize = 2048 + 256;
/** Eight floats that are always 0: the bias of a product without one. */
export const ZEROS: usize = 4096;
/** One 6×8 tile a thread, for the edges of a product. */
const TILES: usize = 8192;

/** Integer or pointer argument `i` of the running job. */
// @ts-ignore: decorator
@inline
export function int(i: i32): i32 {
  return load<i32>(INTS + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function pointer(i: i32): usize {
  return load<u32>(INTS + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function float(i: i32): f32 {
  return load<f32>(FLOATS + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function tileOf(thread: i32): usize {
  return TILES + (<usize>thread << 8);
}
