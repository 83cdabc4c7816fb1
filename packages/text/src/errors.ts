/** What this package throws where a file of others is wrong. */
import { printable } from "./printable.js";

/** A file is not what it is read as. The message, one line that is safe to show, names where, what and how to mend it. */
export class FormatError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}
