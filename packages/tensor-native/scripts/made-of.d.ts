export function processor(): { readonly arch: string; readonly has: readonly string[] };
export function sources(root: string): { readonly files: readonly string[]; readonly hash: string };
export function fileHash(path: string): string;
export function oneForm(prototype: string): string;
