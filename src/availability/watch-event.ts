import type { Answer } from "./answer.ts";

/** One event of a Watch. */
export type WatchEvent =
  | { readonly kind: "availability"; readonly answer: Answer }
  | { readonly kind: "removed"; readonly destinationId: string; readonly version: bigint }
  | { readonly kind: "unknown"; readonly destinationId: string }
  | { readonly kind: "synced"; readonly serverTime: number }
  | { readonly kind: "resync" }
  | {
      readonly kind: "heartbeat";
      readonly serverTime: number;
      readonly confirmed: readonly Answer[];
      /** Every change up to serverTime was handed out. */
      readonly upToDate: boolean;
    };
