/** Errors by who has to act. Every error's message is for people; only a usage error has an exit code of its own. */

/** The command was given wrongly: an option, a file of options. Exit code 2. */
export class UsageError extends Error {}

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs `action`; its errors begin with where they arose. */
export async function within<X>(where: string, action: () => X | Promise<X>): Promise<X> {
  try {
    return await action();
  } catch (cause) {
    const Kind = cause instanceof UsageError ? UsageError : Error;
    throw new Kind(`${where}: ${messageOf(cause)}`, { cause });
  }
}

/** Node's code of a failed system call, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
