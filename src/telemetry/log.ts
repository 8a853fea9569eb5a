import { context, isSpanContextValid, trace } from "@opentelemetry/api";
import { pino } from "pino";

/** The service's log: JSON lines on stdout, each with the trace it belongs to. Silent until `main.ts` sets its level. */
export const log = pino({
  level: "silent",
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  mixin() {
    const span = trace.getSpanContext(context.active());
    return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
  },
});
