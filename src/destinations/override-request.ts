import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Violation } from "../lib/errors.ts";
import { ID_PATTERN } from "../lib/ids.ts";
import { Problems } from "../lib/problems.ts";

/** Whose override is meant: destinations by id, or all that have these labels. */
export interface OverrideTargets {
  readonly destinationIds: readonly string[];
  readonly labelSelector: Readonly<Record<string, string>>;
}

/** What is to be set on them. */
export interface OverrideRequest extends OverrideTargets {
  readonly accepted: boolean;
  readonly expiresAt?: Timestamp | undefined;
  readonly note: string;
}

const MOST_IDS = 500;
const LONGEST_MS = 24 * 3_600_000;
const MAX_NOTE_BYTES = 512;

/** Every violation of a request to set an override at `now`, Unix milliseconds. */
export function checkOverrideRequest(request: OverrideRequest, now: number): readonly Violation[] {
  const problems = new Problems();
  checkTargets(request, problems);
  checkEnd(request.expiresAt, now, problems);
  problems.text("note", request.note, MAX_NOTE_BYTES);
  return problems.violations;
}

/** Every violation of a request to clear overrides. */
export function checkOverrideTargets(targets: OverrideTargets): readonly Violation[] {
  const problems = new Problems();
  checkTargets(targets, problems);
  return problems.violations;
}

function checkTargets({ destinationIds, labelSelector }: OverrideTargets, problems: Problems): void {
  const { length } = destinationIds;
  const selects = Object.keys(labelSelector).length > 0;
  if (length === 0 && !selects) {
    problems.add("destination_ids", "REQUIRED", "is empty like label_selector, expected one of the two");
  }
  if (length > 0 && selects) {
    problems.add("label_selector", "CONFLICT", "is given with destination_ids, expected one of the two");
  }
  if (length > MOST_IDS) {
    problems.add("destination_ids", "TOO_MANY", `has ${length} ids, expected at most ${MOST_IDS}`);
  }
  for (const [index, id] of destinationIds.slice(0, MOST_IDS).entries()) {
    problems.format(`destination_ids[${index}]`, id, ID_PATTERN);
  }
}

function checkEnd(expiresAt: Timestamp | undefined, now: number, problems: Problems): void {
  const expected = "expected a time within the next 24 h";
  if (!expiresAt) {
    problems.add("expires_at", "REQUIRED", `is absent, ${expected}`);
    return;
  }
  const { nanos } = expiresAt;
  if (nanos < 0 || nanos > 999_999_999) {
    problems.add("expires_at", "INVALID_FORMAT", `has ${nanos} nanos, expected 0 to 999999999`);
    return;
  }
  const ahead = Math.round(timestampMs(expiresAt) - now);
  if (ahead > 0 && ahead <= LONGEST_MS) return;
  const given = ahead > 0 ? `is ${ahead / 1000} s ahead` : `was ${-ahead / 1000} s ago`;
  problems.add("expires_at", "OUT_OF_RANGE", `${given}, ${expected}`);
}
