/** The six kinds of removal, in the order of the published method, each with its colour class. */
import { describeRemoval, type Removal } from "../../core/plan.js";

export const kinds = [
  { key: "ln_2", label: "ln_2", tone: "kind-1" },
  { key: "ln_1:qk", label: "ln_1 q/k", tone: "kind-2" },
  { key: "ln_1:v", label: "ln_1 v", tone: "kind-3" },
  { key: "ln_f", label: "ln_f", tone: "kind-4" },
  { key: "eot", label: "eot", tone: "kind-5" },
  { key: "first", label: "first", tone: "kind-6" },
] as const;

/** Which of `kinds` a removal is. */
export function kindOf(removal: Removal): number {
  const key = removal.kind === "freeze" ? removal.site.replace(/^h\.\d+\./, "") : removal.positionClass;
  return kinds.findIndex((kind) => kind.key === key);
}

/** `h.3.ln_1:qk`, `end-of-text constant`. */
export const nameOf = (removal: Removal): string => describeRemoval(removal).replace(/^the /, "");
