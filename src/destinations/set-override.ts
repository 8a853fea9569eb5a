import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../lib/clock.ts";
import { invalid, ServiceError, type Violation } from "../lib/errors.ts";
import { overridesCleared, overridesSet } from "../telemetry/events.ts";
import {
  checkOverrideRequest,
  checkOverrideTargets,
  type OverrideRequest,
  type OverrideTargets,
} from "./override-request.ts";
import type { Overrides } from "./overrides.ts";
import type { Registry } from "./registry.ts";

interface OverrideDeps {
  readonly registry: Pick<Registry, "get" | "page">;
  readonly overrides: Pick<Overrides, "set" | "clear">;
}

/**
 * Sets an override on destinations and answers their ids in order. Rejects with ServiceError: INVALID_ARGUMENT with
 * every violation or NOT_FOUND with every unknown id, and then nothing is set; UNAVAILABLE when the store fails, and
 * then some may be: there is no transaction over several destinations. `setBy` is the caller's name, "" = not known.
 */
export function createSetOverride(deps: OverrideDeps & { readonly clock: Clock }) {
  return async (request: OverrideRequest, setBy: string): Promise<string[]> => {
    const violations = checkOverrideRequest(request, deps.clock.now());
    if (violations.length > 0) throw invalid("set override", violations);
    const destinationIds = resolve("set override of", request, deps);
    const { accepted, note } = request;
    const expiresAt = timestampMs(request.expiresAt!);
    await deps.overrides.set(destinationIds, { accepted, note, expiresAt, setBy });
    overridesSet({ destinationIds, accepted, expiresAt, setBy });
    return destinationIds;
  };
}

/** Ends overrides and answers the ids of the destinations that had one, in order. Rejects as createSetOverride()'s. */
export function createClearOverride(deps: OverrideDeps) {
  return async (targets: OverrideTargets): Promise<string[]> => {
    const violations = checkOverrideTargets(targets);
    if (violations.length > 0) throw invalid("clear override", violations);
    const destinationIds = await deps.overrides.clear(resolve("clear override of", targets, deps));
    overridesCleared({ destinationIds });
    return destinationIds;
  };
}

/** The ids of the destinations that are meant, each once, in order. */
function resolve(action: string, targets: OverrideTargets, { registry }: OverrideDeps): string[] {
  const { destinationIds, labelSelector } = targets;
  if (destinationIds.length === 0) {
    const all = { selector: labelSelector, after: "", size: Number.POSITIVE_INFINITY };
    return registry.page(all).map(({ id }) => id);
  }
  const unknown = destinationIds.flatMap((id, index) => (registry.get(id) ? [] : [{ id, index }]));
  if (unknown.length > 0) {
    const names = [...new Set(unknown.map(({ id }) => `"${id}"`))];
    const what = names.length === 1 ? `destination ${names[0]}: it does` : `destinations ${names.join(", ")}: they do`;
    const violations = unknown.map(({ id, index }): Violation => {
      const description = `is "${id}", which does not exist, expected a destination's id`;
      return { field: `destination_ids[${index}]`, reason: "NOT_FOUND", description };
    });
    throw new ServiceError("NOT_FOUND", `Cannot ${action} ${what} not exist`, { violations });
  }
  return [...new Set(destinationIds)].sort();
}
