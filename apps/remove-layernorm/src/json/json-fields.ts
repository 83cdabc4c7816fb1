/** Which fields a schema has, and where: what an error about a wrong one can name instead. */
import { z } from "zod";
import { didYouMean, nearest, sameLetters } from "../options/nearest.js";

/** The fields at a path of a value; undefined where the schema has no object there. */
export function fieldsAt(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): readonly string[] | undefined {
  const [key, ...rest] = path;
  const inside = objectOf(schema, value);
  if (key === undefined) return inside && Object.keys(inside.shape);
  const next: unknown = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  const outer = bare(schema);
  if (outer instanceof z.ZodArray) return fieldsAt(outer.element, rest, next);
  if (outer instanceof z.ZodRecord) return fieldsAt(outer.valueType, rest, next);
  const field = inside?.shape[String(key)];
  return field && fieldsAt(field, rest, next);
}

/**
 * The end of an error about a field that is not there: the nearest one of `fields`, or where in all of the schema there
 * is one of that name. A misspelt name is rarer than a field in the wrong place.
 */
export function fieldMeant(schema: z.core.$ZodType, name: string, fields: readonly string[]): string {
  const here = nearest(name, fields);
  const [place] = here !== undefined && sameLetters(here, name) ? [] : placesOf(schema, name);
  return place === undefined ? didYouMean(name, fields) : ` ${place.field} is a field of ${place.object}.`;
}

/** A field of an object inside of a schema. */
interface Place {
  readonly field: string;
  /** `learningRate`, `pace of kind "fixed"` */
  readonly object: string;
}

/** Where objects inside of a schema have a field of that name. */
function* placesOf(schema: z.core.$ZodType, name: string, path: readonly string[] = []): Generator<Place> {
  const inner = bare(schema);
  if (inner instanceof z.ZodUnion) {
    for (const option of inner.options) {
      for (const { field, object } of placesOf(option, name, path)) {
        yield { field, object: `${object}${kindText(option)}` };
      }
    }
  }
  if (!(inner instanceof z.ZodObject)) return;
  for (const [key, field] of Object.entries<z.core.$ZodType>(inner.shape)) {
    if (sameLetters(key, name) && path.length > 0) yield { field: key, object: path.join(".") };
    yield* placesOf(field, name, [...path, key]);
  }
}

/** Of which kind an object of a union is, where its field `kind` tells. */
function kindText(option: z.core.$ZodType): string {
  const inner = bare(option);
  const kind = inner instanceof z.ZodObject ? (inner.shape as Shape)["kind"] : undefined;
  return kind instanceof z.ZodLiteral ? ` of kind "${[...kind.values].join()}"` : "";
}

type Shape = Readonly<Record<string, z.core.$ZodType>>;

/** The schema of an object of a value's kind. */
function objectOf(schema: z.core.$ZodType, value: unknown): { readonly shape: Shape } | undefined {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return inner;
  if (!(inner instanceof z.ZodUnion)) return undefined;
  const objects = inner.options.flatMap((option) => objectOf(option, value) ?? []);
  const kind: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "kind") : undefined;
  const ofKind = objects.find(({ shape }) => {
    const { kind: literal } = shape;
    return literal instanceof z.ZodLiteral && literal.values.has(kind as string);
  });
  return ofKind ?? (objects.length === 1 ? objects[0] : undefined);
}

/** Without what may be absent, and what is made of it. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return bare(schema.unwrap());
  return schema instanceof z.ZodPipe ? bare(schema.in) : schema;
}
