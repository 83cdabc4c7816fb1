/** Every recipe by its name; the first is the one that a run takes unless told otherwise. */
import type { RemovalRecipe } from "../recipe.js";
import { baroni2025 } from "./baroni-2025.js";
import { heimersheim2024 } from "./heimersheim-2024.js";
import { adaptive, distilled, reference, taper } from "./ours.js";

export const removalRecipes: Readonly<Record<string, RemovalRecipe>> = Object.fromEntries(
  [distilled, adaptive, reference, taper, heimersheim2024, ...baroni2025].map((recipe) => [
    recipe.name,
    recipe,
  ]),
);
export { reference as referenceRecipe, train as trainRecipe } from "./ours.js";
