export function processor(): { readonly arch: string; readonly has: readonly string[] };
export function sources(root: string): { readonly files: readonly string[]; readonly hash: string };
