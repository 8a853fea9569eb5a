import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A span as OTLP's JSON has it, its attributes as one object. */
export interface ReceivedSpan {
  readonly name: string;
  /** 2 = server, 3 = client. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links: readonly { traceId: string; spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** An OTLP/HTTP receiver on loopback. */
export interface Collector {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  /** Names of the metrics received. */
  readonly metrics: ReadonlySet<string>;
  /** Everything received, as text. */
  received(): string;
  /** Resolves when there are spans enough for `enough`. */
  until(enough: (spans: readonly ReceivedSpan[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

type Attribute = { key: string; value: Record<string, unknown> };

export async function startCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const metrics = new Set<string>();
  const bodies: string[] = [];
  const waiting = new Set<() => void>();
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const text = (await buffer(request)).toString();
    bodies.push(`${JSON.stringify(request.headers)}\n${text}`);
    const body = JSON.parse(text);
    for (const { scopeSpans } of body.resourceSpans ?? []) {
      for (const scope of scopeSpans) for (const span of scope.spans) spans.push(receivedSpan(span));
    }
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      for (const scope of scopeMetrics) for (const { name } of scope.metrics) metrics.add(name);
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    for (const look of waiting) look();
  };
  const server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    received: () => bodies.join("\n"),
    until: (enough) =>
      new Promise((resolve) => {
        const look = () => {
          if (!enough(spans)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function receivedSpan(span: ReceivedSpan & { attributes: Attribute[]; links?: ReceivedSpan["links"] }): ReceivedSpan {
  const attributes = Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  return { ...span, links: span.links ?? [], attributes };
}
