import { log } from "./log.ts";

// What is kept of presence and push over a restart: one function per event, as in events.ts.

/** What is kept cannot be read or written; told once for as long as that is so. A restart knows less then. */
export function keepingFailed(e: { connection: string; action: "load" | "save" | "remove"; message: string }): void {
  log.error(e, "cannot keep over a restart what is known");
}

/** It can be written again. */
export function keepingRecovered(e: { connection: string }): void {
  log.info(e, "keeps over a restart what is known");
}

/** What was kept of a connection was not written to its end, or is damaged: only the times of reads are believed. */
export function keptNotWhole(e: { connection: string; account: string }): void {
  log.warn(e, "what was kept is not whole: push begins anew");
}

/** One part of what is known is larger than a store's value may be. */
export function keptTooLarge(e: { connection: string; part: string; bytes: number }): void {
  log.warn(e, "cannot keep over a restart what is known: it is too large");
}

/** What would resume a push session was damaged, moved, or sealed with a key that is gone; it is as if there were none. */
export function pushRecoveryDiscarded(e: { connection: string }): void {
  log.warn(e, "saved push session is not readable and was left aside");
}
