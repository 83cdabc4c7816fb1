/** Which fields of a config that is written are floats: the schema that it is read with says so, and nothing else. */
import { Float } from "@normless/gpt2";
import { z } from "zod";
import { isObject } from "./json.js";

/** The value with every number a `Float` that its schema does not ask to be whole; for `jsonText`. */
export function withFloats(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodNumber && typeof value === "number") {
    return schema.isInt ? value : new Float(value);
  }
  if (schema instanceof z.ZodOptional)
    return value === undefined ? value : withFloats(schema.unwrap(), value);
  if (schema instanceof z.ZodPipe) return withFloats(schema.in, value);
  if (schema instanceof z.ZodUnion) {
    const one = schema.options.find((option) => z.safeParse(option, value).success);
    return one ? withFloats(one, value) : value;
  }
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => withFloats(schema.element, item));
  }
  if (schema instanceof z.ZodObject && isObject(value)) {
    return mapFields(value, (key, field) => {
      const own: unknown = Reflect.get(schema.shape, key);
      return own instanceof z.ZodType ? withFloats(own, field) : field;
    });
  }
  if (schema instanceof z.ZodRecord && isObject(value)) {
    return mapFields(value, (_, field) => withFloats(schema.valueType, field));
  }
  return value;
}

function mapFields(value: Record<string, unknown>, change: (key: string, field: unknown) => unknown) {
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, change(key, field)]));
}
