/** Files that belong to a process have its name in theirs, so that others know when they belong to nobody any more. */
import { hostname } from "node:os";

const HOST = hostname();

/** This process, as `<pid>@<host>`, the host encoded as in an address. */
export const THIS_PROCESS = `${process.pid}@${encodeURIComponent(HOST)}`;

/** Another's name, such as `412@dell`. */
export interface ProcessName {
  readonly pid: number;
  readonly host: string;
}

/** Whether it is known to have ended: that of another machine never is, since nobody can ask there. */
export function hasEnded({ pid, host }: ProcessName): boolean {
  return host === HOST && !isAlive(pid);
}

/** Whether it runs, or ran, on this machine. */
export function isHere({ host }: ProcessName): boolean {
  return host === HOST;
}

/** The process of a name `<pid>@<host>`; undefined where the text is none that a process gives itself. */
export function processName(text: string): ProcessName | undefined {
  const [, pid, encoded] = /^([1-9]\d*)@(.+)$/.exec(text) ?? [];
  if (pid === undefined) return undefined;
  try {
    const host = decodeURIComponent(encoded);
    return encodeURIComponent(host) === encoded ? { pid: Number(pid), host } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
