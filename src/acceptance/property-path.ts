import type { Violation } from "../lib/errors.ts";
import type { Gate } from "./gate.ts";
import type { JsonObject } from "./json.ts";
import { compileJsonPath, type JsonPath } from "./json-path.ts";
import { measureNodes, NODES_NEEDED } from "./measure.ts";
import type { FoundNodes } from "./path-search.ts";
import type { Outcome } from "./worker-client.ts";

// AvailabilityParsing: a path to the number of available agents that is shown beside the verdict, and never changes it.

export type CompiledPropertyPath = { readonly path: JsonPath } | { readonly violations: readonly Violation[] };

/** Compiles a property path, or refuses it; `field` is its own path, for example "destination.availability.property_path". */
export function compilePropertyPath(written: string, field: string): CompiledPropertyPath {
  const compiled = compileJsonPath(written);
  if (compiled.ok) return { path: compiled.path };
  return { violations: [{ field, reason: compiled.reason, description: compiled.description }] };
}

/** A singular path gives the number there, any other the number of nodes; undefined when it fails. */
export function availableAgents(
  gate: Gate,
  path: JsonPath,
  json: JsonObject,
): number | undefined | Promise<number | undefined> {
  const type = path.singular ? "NUMBER" : "COUNT";
  const read = (outcome: Outcome<FoundNodes>): number | undefined => {
    if (!outcome.ok) return undefined;
    const measured = measureNodes(type, outcome.found);
    return "number" in measured ? measured.number : undefined;
  };
  const outcome = gate.find(path, NODES_NEEDED[type], json);
  return outcome instanceof Promise ? outcome.then(read) : read(outcome);
}
