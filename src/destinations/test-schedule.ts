import { create } from "@bufbuild/protobuf";
import { DayOfWeek, ScheduleSchema } from "../../gen/availability/v1/destination_pb.ts";
import { type CompiledSchedule, compileSchedule } from "./schedule.ts";

/** Open on Mondays between two times as in "09:00", UTC. */
export function mondays(opens: string, closes: string): CompiledSchedule {
  const weeklyRanges = [{ day: DayOfWeek.MONDAY, opens, closes }];
  const result = compileSchedule(create(ScheduleSchema, { timeZone: "UTC", weeklyRanges }), "schedule");
  if ("violations" in result) throw new Error(result.violations[0]?.description);
  return result.schedule;
}
