/**
 * Where threads share what, in the first page of the memory and the third: counters, and a ring of jobs with their
 * arguments. Nothing shared is ever a global, since each thread is its own instance of the module.
 */

/** Jobs published, ever. */
export const PUBLISHED: usize = 1024;
/** So many jobs, counted from the first, are done. */
export const FINISHED: usize = 1088;
/** Workers that wait, for PUBLISHED to change. */
export const SLEEPING: usize = 1152;
export const QUIT: usize = 1216;
/** 1 when a job has trapped: it will never be done, so nobody may wait for it. */
export const FAILED: usize = 1280;
/** Eight floats that are always 0: the bias of a product without one. */
export const ZEROS: usize = 4096;
/** One 6×8 tile a thread, for the edges of a product. */
const TILES: usize = 8192;

/** Job n is in slot n mod SLOTS until it and all before it are done. The host has these three too (src/engine.ts). */
export const SLOTS: i32 = 64;
const RING: usize = 131072;
const SLOT_BYTES: usize = 512;

// Of a slot, in bytes from its start. Tickets and Done have cache lines of their own.
export const NUMBER: usize = 0;
export const PHASE: usize = 4;
export const UNITS: usize = 8;
/** Into how many parts the units go: as many as there are, fewer where they are small, or one. */
export const PARTS: usize = 12;
/** How many jobs, counted from the first, must be done before this one may start. */
export const AFTER: usize = 16;
/** 1: so must the job before it. */
export const CHAINED: usize = 20;
/** TICKET_BASE + parts that nobody took. A stale decrement of a finished job leaves it below the base: harmless. */
export const TICKETS: usize = 64;
/** Parts that are done. */
export const DONE: usize = 128;
/** Room for 48 integers and 32 floats. */
const INTS: usize = 192;
const FLOATS: usize = 384;

// @ts-ignore: decorator
@inline
export function slotOf(job: i32): usize {
  return RING + <usize>(job & (SLOTS - 1)) * SLOT_BYTES;
}

/** The slot of the job that this thread runs. */
let running: usize = RING;

export function enter(slot: usize): void {
  running = slot;
}

/** Integer or pointer argument `i` of the running job. */
// @ts-ignore: decorator
@inline
export function int(i: i32): i32 {
  return load<i32>(running + INTS + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function pointer(i: i32): usize {
  return load<u32>(running + INTS + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function float(i: i32): f32 {
  return load<f32>(running + FLOATS + (<usize>i << 2));
}

/** Of two integer arguments. */
// @ts-ignore: decorator
@inline
export function double(i: i32): f64 {
  return load<f64>(running + INTS + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function tileOf(thread: i32): usize {
  return TILES + (<usize>thread << 8);
}
