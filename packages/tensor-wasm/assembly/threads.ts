/**
 * How threads share work: the host writes jobs into a ring and goes on; a job is a number of independent units, and
 * every thread takes the next unit of the first job that has any left. Which thread runs a unit never changes its
 * result, so the bits do not depend on the number of threads. A job starts when the jobs whose results it needs are
 * done (AFTER, CHAINED), which need not be all before it: then nobody waits for the last unit of the one before.
 */
import {
  AFTER, CHAINED, DONE, enter, FAILED, FINISHED, NUMBER, PARTS, PHASE, PUBLISHED, QUIT, SLEEPING, slotOf, SLOTS, TICKETS, UNITS,
} from "./control";
import { runPhase } from "./phases";

const TICKET_BASE: i32 = 1 << 30;
/** Turns before a worker sleeps: some 50 µs, so that it spins across a step and sleeps between steps. */
const SPINS: i32 = 20000;
/**
 * The host works itself when so many jobs are not done yet, until so few are left. In between it writes jobs ahead, in
 * one go: after a product its own code is in no cache any more and takes ten times as long.
 */
const AHEAD: i32 = SLOTS - 16;
const LEFT: i32 = 8;

/** Whether a job may start. Numbers are compared by their difference, since they wrap around. */
function ready(slot: usize): bool {
  const number = load<i32>(slot + NUMBER);
  const finished = atomic.load<i32>(FINISHED);
  if (finished - number >= 0) return true;
  if (finished - load<i32>(slot + AFTER) < 0) return false;
  if (!load<i32>(slot + CHAINED)) return true;
  const before = slotOf(number - 1);
  return atomic.load<i32>(before + DONE) == load<i32>(before + PARTS);
}

/** Counts on over jobs that are done. Of two threads that end two jobs at once, one sees both. */
function countFinished(): void {
  while (true) {
    const finished = atomic.load<i32>(FINISHED);
    if (finished == atomic.load<i32>(PUBLISHED)) return;
    const slot = slotOf(finished);
    if (atomic.load<i32>(slot + DONE) != load<i32>(slot + PARTS)) return;
    atomic.cmpxchg<i32>(FINISHED, finished, finished + 1);
  }
}

function failed(): bool {
  return atomic.load<i32>(FAILED) != 0;
}

/** For a thread that has trapped, in the name of all. */
export function fail(): void {
  atomic.store<i32>(FAILED, 1);
}

function runPart(slot: usize, part: i32, thread: i32): void {
  const phase = load<i32>(slot + PHASE), units = load<i32>(slot + UNITS), parts = load<i32>(slot + PARTS);
  const each = (units + parts - 1) / parts;
  enter(slot);
  for (let unit = part * each, end = min(unit + each, units); unit < end; unit++) runPhase(phase, unit, thread);
}

/** Takes parts of a job until none is left. */
function work(number: i32, thread: i32): void {
  const slot = slotOf(number);
  while (atomic.load<i32>(slot + TICKETS) > TICKET_BASE) {
    // A thread that was asleep for a whole round of the ring finds another job here.
    if (load<i32>(slot + NUMBER) != number) return;
    if (!ready(slot)) {
      if (failed()) return;
      continue;
    }
    const ticket = atomic.sub<i32>(slot + TICKETS, 1);
    if (ticket <= TICKET_BASE) return;
    // From here on the job cannot end, nor its slot change. If it became another one above, that one may not be ready.
    while (!ready(slot)) if (failed()) return;
    runPart(slot, load<i32>(slot + PARTS) - (ticket - TICKET_BASE), thread);
    if (atomic.add<i32>(slot + DONE, 1) + 1 == load<i32>(slot + PARTS)) countFinished();
  }
}

/** Host: works until at most so many jobs are not done. Traps when a job has trapped. */
export function drain(left: i32): void {
  let number = atomic.load<i32>(FINISHED);
  while (true) {
    const finished = atomic.load<i32>(FINISHED), published = load<i32>(PUBLISHED);
    if (published - finished <= left) return;
    if (failed()) unreachable();
    if (finished - number > 0) number = finished;
    if (number != published) work(number++, 0);
  }
}

/** Host: publishes the next job, whose arguments are in its slot. There is room for another one when this returns. */
export function publish(phase: i32, units: i32, parts: i32, after: i32, chained: i32): void {
  const number = load<i32>(PUBLISHED);
  const slot = slotOf(number);
  store<i32>(slot + NUMBER, number);
  store<i32>(slot + PHASE, phase);
  store<i32>(slot + UNITS, units);
  store<i32>(slot + PARTS, parts);
  store<i32>(slot + AFTER, after);
  store<i32>(slot + CHAINED, chained);
  atomic.store<i32>(slot + DONE, 0);
  atomic.store<i32>(slot + TICKETS, TICKET_BASE + parts);
  atomic.store<i32>(PUBLISHED, number + 1);
  // One part is done sooner than anybody is woken.
  if (parts > 1 && atomic.load<i32>(SLEEPING) > 0) atomic.notify(PUBLISHED, -1);
  if (number + 1 - atomic.load<i32>(FINISHED) >= AHEAD) drain(LEFT);
}

/** A worker's whole life: take parts of one job after the other, spin for a while, then sleep until the next. */
export function serve(thread: i32): void {
  let number = atomic.load<i32>(FINISHED);
  while (true) {
    let spins = 0;
    while (atomic.load<i32>(PUBLISHED) == number) {
      if (++spins < SPINS) continue;
      atomic.add<i32>(SLEEPING, 1);
      atomic.wait<i32>(PUBLISHED, number, -1);
      atomic.sub<i32>(SLEEPING, 1);
    }
    if (atomic.load<i32>(QUIT) != 0) return;
    work(number++, thread);
    const finished = atomic.load<i32>(FINISHED);
    if (finished - number > 0) number = finished;
  }
}

/** The module is of no use afterwards: the job that this publishes is none, but ends every wait. */
export function quitAll(): void {
  atomic.store<i32>(QUIT, 1);
  atomic.add<i32>(PUBLISHED, 1);
  atomic.notify(PUBLISHED, -1);
}
