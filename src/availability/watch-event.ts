import type { Answer } from "./answer.ts";

/** One event of a Watch. */
export type WatchEvent =
  | { readonly kind: "availability"; readonly answer: Answer }
  | { readonly kind: "removed"; readonly destinationId: string; readonly version: bigint }
  | { readonly kind: "unknown"; readonly destinationId: string }
  | { readonly kind: "synced" }
  | { readonly kind: "resync" }
  | { readonly kind: "heartbeat"; readonly serverTime: number; readonly confirmed: readonly Answer[] };
