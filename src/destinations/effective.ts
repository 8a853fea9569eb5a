import { clone, create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  AcceptanceCriteriaSchema,
  AgentCount,
  Condition,
  JsonPathType,
  RegexType,
  Scope,
} from "../../gen/availability/v1/acceptance_pb.ts";
import {
  type Destination,
  DestinationSchema,
  FailurePolicySchema,
  FreshnessPolicySchema,
  OnUndecided,
  PresenceDetail,
} from "../../gen/availability/v1/destination_pb.ts";
import type { CriteriaSpec } from "../acceptance/criteria.ts";
import type { CompiledDestination } from "./compile.ts";

/** The destination with every default filled in, as ConfigureResponse.effective shows it. */
export function effectiveForm(destination: Destination, compiled: CompiledDestination): Destination {
  const form = clone(DestinationSchema, destination);
  // Durations that were given stay to the nanosecond; only defaults, which are whole milliseconds, are made here.
  form.timeout ??= durationFromMs(compiled.timeoutMs);
  form.freshness ??= create(FreshnessPolicySchema);
  form.freshness.maxAge ??= durationFromMs(compiled.maxAgeMs);
  form.failure ??= create(FailurePolicySchema);
  form.failure.onUndecided = OnUndecided[compiled.failure.onUndecided];
  form.failure.lastKnownLimit ??= durationFromMs(compiled.failure.lastKnownLimitMs);
  form.acceptance = acceptanceOf(compiled.spec);
  if (form.template.case === "ringCentral") {
    const template = form.template.value;
    template.accountId = compiled.queue.accountId;
    template.serverUrl = compiled.queue.origin;
    template.presenceDetail = PresenceDetail[compiled.detail];
    template.onlyExtensions = [...compiled.queue.onlyExtensions];
  }
  return form;
}

function acceptanceOf({ criterion, condition, value }: CriteriaSpec) {
  return create(AcceptanceCriteriaSchema, {
    criterion: criterionOf(criterion),
    condition: Condition[condition],
    value,
  });
}

function criterionOf(criterion: CriteriaSpec["criterion"]) {
  switch (criterion.kind) {
    case "agents":
      return { case: "agents", value: { count: AgentCount[criterion.count] } } as const;
    case "regex": {
      const { type, scope, pattern } = criterion;
      return { case: "regex", value: { type: RegexType[type], scope: Scope[scope], pattern } } as const;
    }
    case "json_path":
      return { case: "jsonPath", value: { type: JsonPathType[criterion.type], path: criterion.path } } as const;
  }
}
