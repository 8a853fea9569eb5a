import { type Destination, OnUndecided, PresenceDetail } from "../../gen/availability/v1/destination_pb.ts";
import type { Criteria, CriteriaSpec } from "../acceptance/criteria.ts";
import { compileCriteria } from "../acceptance/criteria.ts";
import type { Violation, Warning } from "../lib/errors.ts";
import { parseRingCentralTemplate, type RingCentralQueue } from "../templates/ringcentral.ts";
import { criteriaSpec } from "./acceptance.ts";
import {
  DEFAULT_ACCOUNT,
  DEFAULT_SERVER_URL,
  ID_PATTERN,
  LABEL_KEY_PATTERN,
  LAST_KNOWN_LIMIT,
  MAX_AGE,
  MAX_DISPLAY_NAME_BYTES,
  MAX_LABEL_VALUE_BYTES,
  MAX_LABELS,
  TIMEOUT,
} from "./limits.ts";
import { Problems, quote } from "./problems.ts";

/** What is answered when the verdict is undecided. */
export interface FailurePolicy {
  readonly onUndecided: "LAST_KNOWN" | "REJECT" | "ACCEPT";
  readonly lastKnownLimitMs: number;
}

/** CompiledDestination is a destination that can be asked about: nothing in it is left to be parsed. */
export interface CompiledDestination {
  readonly queue: RingCentralQueue;
  readonly criteria: Criteria;
  /** What the criteria were compiled from, every default filled in. */
  readonly spec: CriteriaSpec;
  readonly timeoutMs: number;
  readonly maxAgeMs: number;
  readonly failure: FailurePolicy;
}

const FIELD = "destination";

const ON_UNDECIDED = {
  [OnUndecided.UNSPECIFIED]: "LAST_KNOWN",
  [OnUndecided.LAST_KNOWN]: "LAST_KNOWN",
  [OnUndecided.REJECT]: "REJECT",
  [OnUndecided.ACCEPT]: "ACCEPT",
} as const;

/** Compiles everything of a destination but its credential, or refuses it with every violation at once. */
export function compileDestination(
  destination: Destination,
  deps: { allowList: { allows(origin: string): boolean } },
): { compiled: CompiledDestination; warnings: readonly Warning[] } | { violations: readonly Violation[] } {
  const problems = new Problems();
  checkNames(destination, problems);
  const timeoutMs = problems.duration(`${FIELD}.timeout`, destination.timeout, TIMEOUT);
  const maxAgeMs = problems.duration(`${FIELD}.freshness.max_age`, destination.freshness?.maxAge, MAX_AGE);
  const failure = compileFailure(destination, problems);
  if (destination.schedule) problems.unsupported(`${FIELD}.schedule`, "a schedule");
  if (destination.availability?.propertyPath) {
    problems.unsupported(`${FIELD}.availability.property_path`, "a property path");
  }
  const queue = compileTemplate(destination, problems, deps);
  const spec = criteriaSpec(destination.acceptance, `${FIELD}.acceptance`, problems);
  const compiled =
    spec &&
    compileCriteria(spec, {
      field: `${FIELD}.acceptance`,
      onlyExtensions: queue?.onlyExtensions ?? [],
      detail: "QUEUE",
    });
  if (compiled && "violations" in compiled) problems.violations.push(...compiled.violations);
  if (problems.violations.length > 0 || !queue || !spec || !compiled || "violations" in compiled) {
    return { violations: problems.violations };
  }
  return {
    compiled: { queue, spec, criteria: compiled.criteria, timeoutMs, maxAgeMs, failure },
    warnings: compiled.warnings,
  };
}

function checkNames(destination: Destination, problems: Problems): void {
  problems.format(`${FIELD}.id`, destination.id, ID_PATTERN);
  problems.text(`${FIELD}.display_name`, destination.displayName, MAX_DISPLAY_NAME_BYTES);
  const labels = Object.entries(destination.labels);
  if (labels.length > MAX_LABELS) {
    problems.add(`${FIELD}.labels`, "TOO_MANY", `has ${labels.length} labels, expected at most ${MAX_LABELS}`);
  }
  for (const [key, value] of labels.slice(0, MAX_LABELS)) {
    const field = `${FIELD}.labels[${quote(key)}]`;
    if (!LABEL_KEY_PATTERN.test(key)) {
      problems.add(field, "INVALID_FORMAT", `has the key ${quote(key)}, expected ${LABEL_KEY_PATTERN.source}`);
    }
    problems.text(field, value, MAX_LABEL_VALUE_BYTES);
  }
}

function compileFailure(destination: Destination, problems: Problems): FailurePolicy {
  const given = destination.failure?.onUndecided ?? OnUndecided.UNSPECIFIED;
  const onUndecided = (ON_UNDECIDED as Record<number, FailurePolicy["onUndecided"]>)[given];
  if (!onUndecided) {
    const field = `${FIELD}.failure.on_undecided`;
    problems.add(field, "UNKNOWN_VALUE", `is ${given}, expected one of LAST_KNOWN, REJECT, ACCEPT`);
  }
  const limit = destination.failure?.lastKnownLimit;
  return {
    onUndecided: onUndecided ?? "REJECT",
    lastKnownLimitMs: problems.duration(`${FIELD}.failure.last_known_limit`, limit, LAST_KNOWN_LIMIT),
  };
}

function compileTemplate(
  destination: Destination,
  problems: Problems,
  deps: { allowList: { allows(origin: string): boolean } },
): RingCentralQueue | undefined {
  const { template } = destination;
  if (template.case === "webhook") {
    problems.unsupported(`${FIELD}.webhook`, "the template webhook");
    return undefined;
  }
  if (template.case === undefined) {
    problems.add(FIELD, "REQUIRED", "has no template, expected ring_central");
    return undefined;
  }
  const field = `${FIELD}.ring_central`;
  const given = template.value;
  if (given.access.case === "connectionId") problems.unsupported(`${field}.connection_id`, "a connection");
  const detail = given.presenceDetail;
  if (detail === PresenceDetail.QUEUE_AND_EXTENSION) {
    problems.unsupported(`${field}.presence_detail`, "QUEUE_AND_EXTENSION");
  } else if (detail !== PresenceDetail.UNSPECIFIED && detail !== PresenceDetail.QUEUE) {
    problems.add(`${field}.presence_detail`, "UNKNOWN_VALUE", `is ${detail}, expected QUEUE`);
  }
  const parsed = parseRingCentralTemplate(
    {
      accountId: given.accountId || DEFAULT_ACCOUNT,
      callQueueId: given.callQueueId,
      serverUrl: given.serverUrl || DEFAULT_SERVER_URL,
      onlyExtensions: given.onlyExtensions,
    },
    { field, allowList: deps.allowList },
  );
  if ("violations" in parsed) {
    problems.violations.push(...parsed.violations);
    return undefined;
  }
  return parsed.template;
}
