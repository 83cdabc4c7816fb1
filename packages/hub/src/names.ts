/** Names of models on the hub. */

/** A model on the hub. */
export interface Reference {
  /** `owner/name` */
  readonly name: string;
  /** As it was asked for: the name, or the short one of before models had owners, such as `gpt2`. */
  readonly asked: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const NAME = /^([\w-][\w.-]*(?:\/[\w-][\w.-]*)?)(?:@([\w-][\w./-]*))?$/;
/**
 * The names that GPT-2s had before models had owners. The hub redirects them, and transformers and huggingface_hub ask
 * for them as they are, so that their cache has folders of both names.
 */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  gpt2: "openai-community/gpt2",
  "gpt2-medium": "openai-community/gpt2-medium",
  "gpt2-large": "openai-community/gpt2-large",
  "gpt2-xl": "openai-community/gpt2-xl",
  distilgpt2: "distilbert/distilgpt2",
};
/** The names without an owner that are known here. */
export const shortNames: readonly string[] = Object.keys(SHORT_NAMES);

/** Every name that the model `owner/name` has. */
export function namesOf(name: string): string[] {
  return [name, ...shortNames.filter((short) => SHORT_NAMES[short] === name)];
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a revision is a commit, which never changes. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** `owner/name` or `gpt2`, of its branch main, or with `@revision`; undefined where the text is none. */
export function parseReference(text: string): Reference | undefined {
  const [, asked = "", revision = "main"] = NAME.exec(text) ?? [];
  const name = Object.hasOwn(SHORT_NAMES, asked) ? SHORT_NAMES[asked] : asked;
  return !name.includes("/") || revision.includes("..") ? undefined : { name, asked, revision };
}

/** Whether a model was asked for by a name without an owner. */
export function isShort({ name, asked }: Reference): boolean {
  return name !== asked;
}

/** What a model's text is called by, short where it is of main. */
export function showReference({ asked, revision }: Reference): string {
  return revision === "main" ? asked : `${asked}@${revision}`;
}
