import type { AcceptanceCriteria, AvailabilityParsing } from "../../gen/availability/v1/acceptance_pb.ts";
import { type Destination, OnUndecided, PresenceDetail } from "../../gen/availability/v1/destination_pb.ts";
import type { Criteria, CriteriaSpec } from "../acceptance/criteria.ts";
import { compileCriteria, needsExtension } from "../acceptance/criteria.ts";
import { invalid, type Violation, type Warning } from "../lib/errors.ts";
import { ID_PATTERN } from "../lib/ids.ts";
import { Problems } from "../lib/problems.ts";
import { quote } from "../lib/quote.ts";
import { checkOnlyExtensions, parseRingCentralTemplate, type RingCentralQueue } from "../templates/ringcentral.ts";
import { criteriaSpec } from "./acceptance.ts";
import { type Connections, serverOfConnection } from "./access.ts";
import { Interned } from "./interned.ts";
import {
  LABEL_KEY_PATTERN,
  LAST_KNOWN_LIMIT,
  MAX_AGE,
  MAX_DISPLAY_NAME_BYTES,
  MAX_LABEL_VALUE_BYTES,
  MAX_LABELS,
  TIMEOUT,
} from "./limits.ts";
import { connectionIdOf } from "./record.ts";
import { type CompiledSchedule, compileSchedule } from "./schedule.ts";

/** How much is read of a queue. */
type Detail = Criteria["detail"];

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
  /** How much is read. */
  readonly detail: Detail;
  readonly timeoutMs: number;
  readonly maxAgeMs: number;
  readonly failure: FailurePolicy;
  /** When it is open; undefined = always. */
  readonly schedule: CompiledSchedule | undefined;
}

/** Why a destination does not compile. */
interface Refused {
  readonly violations: readonly Violation[];
  readonly queue: RingCentralQueue | undefined;
}

interface CompileDeps {
  readonly allowList: { allows(origin: string): boolean };
  readonly connections: Connections;
}

const FIELD = "destination";

const ON_UNDECIDED = {
  [OnUndecided.UNSPECIFIED]: "LAST_KNOWN",
  [OnUndecided.LAST_KNOWN]: "LAST_KNOWN",
  [OnUndecided.REJECT]: "REJECT",
  [OnUndecided.ACCEPT]: "ACCEPT",
} as const;

const PRESENCE_DETAILS = {
  [PresenceDetail.QUEUE]: "QUEUE",
  [PresenceDetail.QUEUE_AND_EXTENSION]: "QUEUE_AND_EXTENSION",
} as const;

// Most destinations ask for the same; compiling it takes a tenth of a millisecond, and it is some kilobytes.
const criteria = new Interned<ReturnType<typeof compileCriteria>>();
const neededDetails = new Interned<Detail>();

/**
 * Compiles everything of a destination but its credential, or refuses it with every violation at once; then `queue` is
 * what could be made of the template.
 */
export function compileDestination(
  destination: Destination,
  deps: CompileDeps,
): { compiled: CompiledDestination; warnings: readonly Warning[] } | Refused {
  const problems = new Problems();
  checkNames(destination, problems);
  const timeoutMs = problems.duration(`${FIELD}.timeout`, destination.timeout, TIMEOUT);
  const maxAgeMs = problems.duration(`${FIELD}.freshness.max_age`, destination.freshness?.maxAge, MAX_AGE);
  const failure = compileFailure(destination, problems);
  const schedule = destination.schedule && compileSchedule(destination.schedule, `${FIELD}.schedule`);
  if (schedule && "violations" in schedule) problems.violations.push(...schedule.violations);
  const queue = compileTemplate(destination, problems, deps);
  const spec = criteriaSpec(destination.acceptance, `${FIELD}.acceptance`, problems);
  const detail = detailOf(destination, spec, problems);
  const path = destination.availability?.propertyPath;
  const context = {
    field: `${FIELD}.acceptance`,
    onlyExtensions: queue?.onlyExtensions ?? [],
    detail,
    ...(path && { propertyPath: { path, field: `${FIELD}.availability.property_path` } }),
  };
  const compiled = criteria.get(textOf(spec, context), () => compileCriteria(spec, context));
  if ("violations" in compiled) problems.violations.push(...compiled.violations);
  if (problems.violations.length > 0 || !queue || "violations" in compiled || (schedule && "violations" in schedule)) {
    return { violations: problems.violations, queue };
  }
  return {
    compiled: {
      queue,
      spec,
      criteria: compiled.criteria,
      detail,
      timeoutMs,
      maxAgeMs,
      failure,
      schedule: schedule?.schedule,
    },
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
  const { onUndecided = OnUndecided.UNSPECIFIED, lastKnownLimit } = destination.failure ?? {};
  return {
    onUndecided: problems.name(`${FIELD}.failure.on_undecided`, ON_UNDECIDED, onUndecided),
    lastKnownLimitMs: problems.duration(`${FIELD}.failure.last_known_limit`, lastKnownLimit, LAST_KNOWN_LIMIT),
  };
}

function compileTemplate(
  destination: Destination,
  problems: Problems,
  deps: CompileDeps,
): RingCentralQueue | undefined {
  const { template } = destination;
  if (template.case === "webhook") {
    problems.unsupported(`${FIELD}.webhook`, { expected: "ring_central" });
    return undefined;
  }
  if (template.case === undefined) {
    problems.add(FIELD, "REQUIRED", "has no template, expected ring_central");
    return undefined;
  }
  const field = `${FIELD}.ring_central`;
  const given = template.value;
  const connectionId = connectionIdOf(destination);
  let { serverUrl } = given;
  if (connectionId !== undefined) {
    const server = serverOfConnection({ connectionId, serverUrl }, { field, connections: deps.connections });
    if (server.violation) problems.violations.push(server.violation);
    ({ serverUrl } = server);
  }
  const parsed = parseRingCentralTemplate({ ...given, serverUrl }, { field, allowList: deps.allowList });
  if ("violations" in parsed) {
    problems.violations.push(...parsed.violations);
    return undefined;
  }
  return parsed.template;
}

/** Tells criteria from others; JSON has no word for a value that is not a number. */
function textOf(spec: CriteriaSpec, context: unknown): string {
  return JSON.stringify([spec, String(spec.value), context]);
}

/** How much is read: as given, or as much as the criteria need. */
function detailOf({ template, availability }: Destination, spec: CriteriaSpec, problems: Problems): Detail {
  const given = template.case === "ringCentral" ? template.value.presenceDetail : PresenceDetail.UNSPECIFIED;
  const needed = neededDetails.get(textOf(spec, availability?.propertyPath), () => neededDetail(spec, availability));
  const names = { [PresenceDetail.UNSPECIFIED]: needed, ...PRESENCE_DETAILS } as const;
  return problems.name(`${FIELD}.ring_central.presence_detail`, names, given);
}

function neededDetail(spec: CriteriaSpec, availability: AvailabilityParsing | undefined): Detail {
  return needsExtension(spec, availability?.propertyPath) ? "QUEUE_AND_EXTENSION" : "QUEUE";
}

/** Compiles criteria that stand for themselves; throws ServiceError INVALID_ARGUMENT with every violation. */
export function compileAcceptance(given: {
  acceptance: AcceptanceCriteria | undefined;
  availability: AvailabilityParsing | undefined;
  onlyExtensions: readonly string[];
}): Criteria {
  const problems = new Problems();
  problems.violations.push(...checkOnlyExtensions(given.onlyExtensions, "only_extensions"));
  const path = given.availability?.propertyPath;
  const spec = criteriaSpec(given.acceptance, "acceptance", problems);
  const compiled = compileCriteria(spec, {
    field: "acceptance",
    onlyExtensions: given.onlyExtensions,
    detail: neededDetail(spec, given.availability),
    ...(path && { propertyPath: { path, field: "availability.property_path" } }),
  });
  if ("violations" in compiled) problems.violations.push(...compiled.violations);
  if ("violations" in compiled || problems.violations.length > 0)
    throw invalid("evaluate acceptance", problems.violations);
  return compiled.criteria;
}
