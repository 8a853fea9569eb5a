/** Waits for `work`, which must not reject, at most until `timeUp`: whether that came first. Leaves nothing on it. */
export function timeIsUp(work: Promise<void>, timeUp: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (timeUp.aborted) return resolve(true);
    const abort = () => resolve(true);
    timeUp.addEventListener("abort", abort, { once: true });
    void work.then(() => {
      timeUp.removeEventListener("abort", abort);
      resolve(false);
    });
  });
}
