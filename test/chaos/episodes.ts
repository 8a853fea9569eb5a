import type { Trouble } from "./trouble.ts";

/** One trouble, and what came of it until the next one began. Times in seconds. */
export interface Episode {
  readonly trouble: Trouble;
  checks: number;
  undecided: number;
  readonly reasons: Set<string>;
  /** From the beginning of the trouble to the last Check that was undecided; 0 = none was. */
  lastUndecidedAfter: number;
}

/** Episodes tells trouble from trouble: each Check belongs to the one that began last. */
export class Episodes {
  readonly all: readonly Episode[];

  constructor(troubles: readonly Trouble[]) {
    this.all = troubles.map((trouble) => ({
      trouble,
      checks: 0,
      undecided: 0,
      reasons: new Set(),
      lastUndecidedAfter: 0,
    }));
  }

  /** A Check was answered; `reason` when it was undecided. */
  count(seconds: number, reason: string | undefined): void {
    const episode = this.all.findLast(({ trouble }) => trouble.at <= seconds);
    if (!episode) return;
    episode.checks++;
    if (reason === undefined) return;
    episode.undecided++;
    episode.reasons.add(reason);
    episode.lastUndecidedAfter = seconds - episode.trouble.at;
  }
}
