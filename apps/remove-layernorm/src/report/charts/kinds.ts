/** The kinds of removal, in the order of the published method, each with its colour class. */
import { describeRemoval, type Removal } from "@normless/removal";

export const kinds = [
  { key: "ln_2", label: "ln_2", tone: "kind-1" },
  { key: "ln_1:qk", label: "ln_1 q/k", tone: "kind-2" },
  { key: "ln_1:v", label: "ln_1 v", tone: "kind-3" },
  { key: "ln_f", label: "ln_f", tone: "kind-4" },
  { key: "eot", label: "eot", tone: "kind-5" },
  { key: "first", label: "first", tone: "kind-6" },
  { key: "taper", label: "taper", tone: "kind-4" },
] as const;

/** Which of `kinds` a removal is. */
export function kindOf(removal: Removal): number {
  const key = keyOf(removal);
  return kinds.findIndex((kind) => kind.key === key);
}

function keyOf(removal: Removal): string {
  switch (removal.kind) {
    case "freeze":
      return removal.site.replace(/^h\.\d+\./, "");
    case "constant":
      return removal.positionClass;
    case "taper":
      return "taper";
  }
}

/** The kinds that there are among these. */
export function kindsIn(removals: readonly Removal[]) {
  return kinds.filter((_, i) => removals.some((removal) => kindOf(removal) === i));
}

/** `h.3.ln_1:qk`, `end-of-text constant`. */
export const nameOf = (removal: Removal): string => describeRemoval(removal).replace(/^the /, "");
