import type { PresenceDocument } from "../acceptance/document.ts";
import type { Answer } from "./answer.ts";
import type { Subject } from "./subject.ts";

/** What a hint is drawn from. */
export interface HintContext {
  readonly answer: Answer;
  readonly subject: Subject | undefined;
  /** The presence behind the answer, where there is one. */
  readonly document: PresenceDocument | undefined;
}

// RingCentral's internal ids are long; extension numbers are what people know by heart.
const LONGEST_EXTENSION_NUMBER = 6;

/** What a person can do about an answer, one or two sentences; empty when all is well. */
export function hintFor(context: HintContext): string {
  const { answer, subject } = context;
  switch (answer.reason) {
    case "CRITERIA_MET":
      return "";
    case "CRITERIA_NOT_MET":
      return notMet(context);
    case "PRESENCE_UNKNOWN":
      return presenceUnknown(context);
    case "CRITERIA_FAILED":
      return "Try the criteria on the answer below with EvaluateAcceptance: nothing was captured, it was no number, or the search took too long.";
    case "UPSTREAM_UNAUTHENTICATED":
      return "The token expired, was revoked, or is not one of this server; RingCentral's tokens live about an hour. Configure the destination with a new one.";
    case "UPSTREAM_PERMISSION_DENIED":
      return 'Reading queue presence needs the app permission "ReadPresence" in the Developer Console, or the user permission that the message names. Grant it, then make a new token: tokens keep the permissions they were made with.';
    case "UPSTREAM_NOT_FOUND":
      return notFound(subject?.queue?.queueId ?? "");
    case "UPSTREAM_RATE_LIMITED":
      return "One token may read about 50 times a minute. Use a larger max_age, fewer queues on this token, or wait until retry_at.";
    case "UPSTREAM_TIMEOUT":
      return "RingCentral usually answers within half a second. If that is what the timings below show, give the destination a longer timeout.";
    case "UPSTREAM_UNAVAILABLE":
      return "RingCentral, or what stands between, is in trouble. Nothing is wrong with the destination; it is asked again at retry_at.";
    case "UPSTREAM_BAD_RESPONSE":
      return "The answer below is not RingCentral's queue presence. Check server_url, and that no proxy answers in its place.";
    case "NOT_IN_TIME":
      return "The caller's deadline or max_wait was shorter than a read. Allow more time, or a larger max_age.";
    case "NOT_OBSERVED_YET":
      return "Nothing has asked about this destination yet. Check it, or watch it actively.";
    case "DESTINATION_DISABLED":
      return "Configure the destination with disabled unset to have it asked.";
    case "OUTSIDE_HOURS":
      return "The schedule is closed now; see weekly_ranges, closed_dates and time_zone.";
    case "OVERRIDDEN":
      return "A person set this answer; ClearOverride ends it.";
    case "DESTINATION_INVALID":
      return "Configure the destination again; the message says what no longer holds.";
  }
}

function notFound(queueId: string): string {
  if (queueId.length <= LONGEST_EXTENSION_NUMBER) {
    return `"${queueId}" looks like an extension number. RingCentral wants the queue's internal id, as the list of call queues shows it.`;
  }
  return "Check the queue's internal id and the account id, and that the token's user may see this queue.";
}

function notMet({ answer, subject, document }: HintContext): string {
  const { agents } = answer;
  if (document?.records.length === 0) return "The queue has no members. Assign agents to it in the admin portal.";
  if (agents?.total === 0) return "No member has an extension number that only_extensions names.";
  if (agents?.accepting === 0) {
    return "No agent accepts calls of this queue: they must be logged in and have queue calls switched on for it.";
  }
  const matchesNothing = subject?.criteria.criterion.kind === "regex" && answer.measured === 0;
  if (matchesNothing && agents?.accepting !== undefined) {
    return `The pattern matches nothing, though ${agents.accepting} agents accept calls: check its spelling and case against the text below.`;
  }
  return "";
}

function presenceUnknown({ document }: HintContext): string {
  const records = document?.records ?? [];
  if (records.length > 0 && records.every((record) => typeof record.acceptCurrentQueueCalls !== "boolean")) {
    return "RingCentral sends acceptCurrentQueueCalls for none of the members: member presence is probably not enabled for this account (feature CallQueuePresence).";
  }
  return "Some records lack a field that the criteria name. Queue presence has acceptQueueCalls and acceptCurrentQueueCalls, and no presenceStatus, userStatus, dndStatus or telephonyStatus.";
}
