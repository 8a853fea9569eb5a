import type { ServerResponse } from "node:http";
import type { Lifecycle } from "./guard-lifecycle.ts";
import type { AnyResponse } from "./http-answer.ts";
import { type AnyRequest, pathOf } from "./http-connect.ts";

/** Writes the metrics of this process in Prometheus' text format. */
export type MetricsHandler = (req: AnyRequest, res: AnyResponse) => void;

/** Answers what operators ask over plain HTTP: /healthz, /readyz, /metrics; everything else does not exist. */
export function opsHandler(deps: { lifecycle: Lifecycle; metrics: MetricsHandler }): MetricsHandler {
  const pages: Record<string, MetricsHandler> = {
    // Alive as long as it can answer at all.
    "/healthz": (_, res) => json(res, 200, { status: "ok" }),
    "/readyz": (_, res) => json(res, deps.lifecycle.phase === "serving" ? 200 : 503, { status: deps.lifecycle.phase }),
    "/metrics": deps.metrics,
  };
  return (req, res) => {
    const page = Object.hasOwn(pages, pathOf(req)) ? pages[pathOf(req)] : undefined;
    if (!page) return json(res, 404, { error: "Cannot find the page: there is none at this path" });
    if (req.method !== "GET" && req.method !== "HEAD") {
      res.setHeader("allow", "GET, HEAD");
      return json(res, 405, { error: "Cannot use this method: the page answers GET and HEAD" });
    }
    page(req, res);
  };
}

function json(res: AnyResponse, status: number, body: unknown): void {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  (res as ServerResponse).writeHead(status, headers).end(`${JSON.stringify(body)}\n`);
}
