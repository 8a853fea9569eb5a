import type { Criteria } from "../acceptance/criteria.ts";
import type { RingCentralQueue } from "../templates/ringcentral.ts";

/** What was asked about: a destination, or criteria alone. */
export interface Subject {
  readonly criteria: Criteria;
  readonly queue?: RingCentralQueue;
}
