/** Every recipe by its name; the first is the one that a run takes unless told otherwise. */
import type { RemovalRecipe } from "../recipe/recipe.js";
import { baroni2025 } from "./baroni-2025.js";
import { heimersheim2024 } from "./heimersheim-2024.js";
import { distilled } from "./ours.js";
import { taperNorm2026 } from "./taper-norm-2026.js";

/** By name; the first is what a run takes unless told otherwise. */
export const removalRecipes: Readonly<Record<string, RemovalRecipe>> = Object.fromEntries(
  [distilled, heimersheim2024, ...baroni2025, taperNorm2026].map((recipe) => [recipe.name, recipe]),
);
export { distilled as distilledRecipe } from "./ours.js";
