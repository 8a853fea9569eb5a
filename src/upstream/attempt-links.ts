import { isSpanContextValid, type Span, type SpanContext, TraceFlags } from "@opentelemetry/api";

const MOST_LINKS = 32;

/** AttemptLinks are the RPCs that a request serves, for the spans of its attempts; some join while it is under way. */
export class AttemptLinks {
  readonly #contexts: SpanContext[] = [];
  #span: Span | undefined;

  constructor(contexts: readonly SpanContext[]) {
    for (const context of contexts) this.add(context);
  }

  get contexts(): readonly SpanContext[] {
    return this.#contexts;
  }

  /** What is not sampled leads nowhere, and one span carries only so many links. */
  add(context: SpanContext): void {
    if (!isSpanContextValid(context) || !(context.traceFlags & TraceFlags.SAMPLED)) return;
    if (this.#contexts.length === MOST_LINKS || this.#contexts.some(({ spanId }) => spanId === context.spanId)) return;
    this.#contexts.push(context);
    this.#span?.addLink({ context });
  }

  /** Later joiners are linked to this span as well. */
  follow(span: Span | undefined): void {
    this.#span = span;
  }
}
