/** The tables with their notes, by the name of their place in the app's README. */
import type { Table } from "../text.js";
import { budgetNote, budgetTable } from "./budgets.js";
import { recipeNote, type RecipeResults, recipeTable } from "./results.js";

export type NotedTable = Pick<Table, "head" | "rows" | "note">;

export function tablesOf(results: RecipeResults): Readonly<Record<string, NotedTable>> {
  const budgets = budgetTable(results);
  return {
    recipes: { ...recipeTable(results), note: recipeNote(results) },
    ...(budgets && { budgets: { ...budgets, note: budgetNote } }),
  };
}
