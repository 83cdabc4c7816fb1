/** What the system says of a file, for people. */
import { dirname } from "node:path";

/** What went wrong in plain words, and what to do. */
export function remedy(cause: unknown, path: string): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return `the disk that holds ${dirname(path)} is full (${code}): free some space or choose another folder`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `permission was refused (${code}): change the rights of ${dirname(path)} or choose another folder`;
    case "ENOENT":
      return `there is no such file or folder (${code}): check the path, and make the folder ${dirname(path)} first`;
    case "EISDIR":
      return `a folder is there (${code}): give the path of a file`;
    case "EMFILE":
    case "ENFILE":
      return `too many files are open (${code}): close some`;
    default:
      return `the system says: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
