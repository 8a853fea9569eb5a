import { canonicalBody, canonicalRecord } from "./canonical.ts";
import type { JsonObject } from "./json.ts";
import { LAYOUTS, printIn } from "./layouts.ts";

/** A sample answer, as criteria see it and as servers print it. */
export interface Sample {
  readonly canonical: { readonly records: readonly string[]; readonly body: string };
  /** The same in each layout. */
  readonly layouts: readonly { readonly records: readonly string[]; readonly body: string }[];
}

const member = (id: string) => ({ id: `41100${id}`, name: `Agent ${id}`, extensionNumber: `10${id}` });
const extension = (id: string) => ({ id: `41100${id}`, extensionNumber: `10${id}` });

/** RingCentral's queue answer, with each combination of the two flags. */
const queueAnswer: JsonObject = {
  records: [
    { member: member("1"), acceptQueueCalls: true, acceptCurrentQueueCalls: true },
    { member: member("2"), acceptQueueCalls: true, acceptCurrentQueueCalls: false },
    { member: member("3"), acceptQueueCalls: false, acceptCurrentQueueCalls: true },
    { member: member("4"), acceptQueueCalls: false, acceptCurrentQueueCalls: false },
    { member: member("5"), acceptQueueCalls: true, acceptCurrentQueueCalls: true },
  ],
};

/** Records that carry the extension's own presence too. */
const joinedAnswer: JsonObject = {
  records: ["Available", "Busy", "Offline", "Available"].map((presenceStatus, index) => ({
    member: member(`${index}`),
    acceptQueueCalls: index !== 1,
    acceptCurrentQueueCalls: index !== 2,
    presenceStatus,
    userStatus: presenceStatus,
    dndStatus: index === 1 ? "DoNotAcceptAnyCalls" : "TakeAllCalls",
    telephonyStatus: index === 3 ? "CallConnected" : "NoCall",
  })),
};

/** Records named by "extension", with paging behind them. */
const extensionAnswer: JsonObject = {
  records: [
    { extension: extension("1"), acceptCurrentQueueCalls: true, presenceStatus: "Available" },
    { extension: extension("2"), acceptCurrentQueueCalls: false, presenceStatus: "Busy" },
    { extension: extension("3"), acceptCurrentQueueCalls: true, presenceStatus: "Available" },
  ],
  paging: { page: 1, totalPages: 1, totalElements: 3 },
};

let made: readonly Sample[] | undefined;

/** The sample answers in every layout, made once. */
export function sampleAnswers(): readonly Sample[] {
  made ??= [queueAnswer, joinedAnswer, extensionAnswer].map(sampleOf);
  return made;
}

function sampleOf(json: JsonObject): Sample {
  const records = json.records as readonly JsonObject[];
  const texts = records.map(canonicalRecord);
  return {
    canonical: { records: texts, body: canonicalBody({ raw: "", json, records }, texts).text },
    layouts: LAYOUTS.map((layout) => ({
      records: records.map((record) => printIn(layout, record)),
      body: printIn(layout, json),
    })),
  };
}

/** One agent on Do Not Disturb who is opted in, by either name; or the same opted out. */
export function doNotDisturbRecords(optedIn: boolean): readonly JsonObject[] {
  const flags = { acceptQueueCalls: false, acceptCurrentQueueCalls: optedIn };
  return [
    { member: member("1"), ...flags },
    { extension: extension("1"), ...flags },
  ];
}
