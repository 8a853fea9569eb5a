import { readFileSync } from "node:fs";

/** What a process has used so far (Linux). */
export interface ProcessUsage {
  /** Processor time in user and kernel mode, all threads, in milliseconds; the kernel counts it in steps of 10. */
  readonly cpuMs: number;
  /** Resident memory, in bytes. */
  readonly rssBytes: number;
}

// USER_HZ, which Linux shows to programs as 100 on every platform that Node runs on.
const TICK_MS = 10;

/** What a process has used so far; throws when there is no such process. */
export function usageOf(pid: number): ProcessUsage {
  // The second field is the program's name in parentheses, which may hold blanks: what follows it begins with field 3.
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [utime = "", stime = ""] = fields.slice(11);
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { cpuMs: (Number(utime) + Number(stime)) * TICK_MS, rssBytes: Number(rss) * 1024 };
}
