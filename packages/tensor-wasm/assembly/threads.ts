/**
 * How threads share work: a job is a number of independent units, and every thread takes the next unit until none is
 * left. Which thread runs a unit never changes its result, so the bits do not depend on the number of threads.
 */
import { DONE, GENERATION, PHASE, QUIT, SLEEPING, TICKETS, UNITS } from "./control";
import { runPhase } from "./phases";

const TICKET_BASE: i32 = 1 << 30;
/** Turns before a worker sleeps: some 50 µs, so that it spins across a step and sleeps between steps. */
const SPINS: i32 = 20000;

/** Takes units until none is left; false when there was none. */
function takeUnits(thread: i32): bool {
  let any = false;
  while (true) {
    if (atomic.load<i32>(TICKETS) <= TICKET_BASE) return any;
    const ticket = atomic.sub<i32>(TICKETS, 1);
    if (ticket <= TICKET_BASE) return any;
    // The job cannot end, nor its arguments change, before this unit is counted as done.
    runPhase(load<i32>(PHASE), load<i32>(UNITS) - (ticket - TICKET_BASE), thread);
    atomic.add<i32>(DONE, 1);
    any = true;
  }
}

/** Main thread: publishes a job, takes its share, waits until all units are done. Never waits for a sleeper. */
export function publish(phase: i32, units: i32): void {
  store<i32>(PHASE, phase);
  store<i32>(UNITS, units);
  atomic.store<i32>(DONE, 0);
  atomic.store<i32>(TICKETS, TICKET_BASE + units);
  atomic.add<i32>(GENERATION, 1);
  if (atomic.load<i32>(SLEEPING) > 0) atomic.notify(GENERATION, -1);
  takeUnits(0);
  while (atomic.load<i32>(DONE) < units) {}
}

/** A worker's whole life: take units, spin for a while, then sleep until the next job. */
export function serve(thread: i32): void {
  while (true) {
    const generation = atomic.load<i32>(GENERATION);
    takeUnits(thread);
    let spins = 0;
    while (atomic.load<i32>(GENERATION) == generation && ++spins < SPINS) {}
    if (atomic.load<i32>(QUIT) != 0) return;
    if (spins >= SPINS) {
      atomic.add<i32>(SLEEPING, 1);
      atomic.wait<i32>(GENERATION, generation, -1);
      atomic.sub<i32>(SLEEPING, 1);
      if (atomic.load<i32>(QUIT) != 0) return;
    }
  }
}

export function quitAll(): void {
  atomic.store<i32>(QUIT, 1);
  atomic.add<i32>(GENERATION, 1);
  atomic.notify(GENERATION, -1);
}

/** Runs all units on the calling thread. */
export function runAlone(phase: i32, units: i32): void {
  for (let unit = 0; unit < units; unit++) runPhase(phase, unit, 0);
}
