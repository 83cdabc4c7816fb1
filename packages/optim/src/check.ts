/** Checks of options. @throws RangeError naming the option and its range. */

/** That `value` is a finite number from 0 up. @throws RangeError */
export function checkFinite(what: string, value: number): void {
  check(value >= 0 && value < Infinity, what, value, "a finite number from 0 up");
}

/** That `value` is a whole number from 0 up. @throws RangeError */
export function checkCount(what: string, value: number): void {
  check(Number.isSafeInteger(value) && value >= 0, what, value, "a whole number from 0 up");
}

/** That `value`, which `what` names, is `range`. @throws RangeError when it is not */
export function check(holds: boolean, what: string, value: number, range: string): void {
  if (!holds) throw new RangeError(`${what} is ${value}; it is ${range}`);
}
