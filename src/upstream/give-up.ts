/** Why a request is given up: its time is up, or nobody wants its answer any more. */
export type GivenUp = "timeout" | "stopped";

/**
 * One signal, its `reason` a GivenUp, for as long as a request runs. Not AbortSignal.any(): some of the sources live as
 * long as the service, and `release` leaves nothing behind on them.
 */
export function giveUpSignal(
  timeUp: AbortSignal,
  stops: readonly (AbortSignal | undefined)[],
): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const releases: (() => void)[] = [];
  const obey = (source: AbortSignal | undefined, reason: GivenUp) => {
    if (!source) return;
    const abort = () => controller.abort(reason);
    if (source.aborted) return abort();
    source.addEventListener("abort", abort, { once: true });
    releases.push(() => source.removeEventListener("abort", abort));
  };
  for (const stop of stops) obey(stop, "stopped");
  obey(timeUp, "timeout");
  return {
    signal: controller.signal,
    release: () => {
      for (const release of releases) release();
    },
  };
}
