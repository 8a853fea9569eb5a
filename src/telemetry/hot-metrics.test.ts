import { createServer } from "node:http";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { HotCounter, HotHistogram, hotMetrics } from "./hot-metrics.ts";

/** What a scraper of Prometheus gets, without comments. */
async function scraped(): Promise<string[]> {
  const exporter = new PrometheusExporter({ preventServerStart: true, metricProducers: [hotMetrics] });
  const provider = new MeterProvider({ readers: [exporter] });
  const server = createServer((req, res) => exporter.getMetricsRequestHandler(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  server.closeAllConnections();
  server.close();
  await provider.shutdown();
  return text.split("\n").filter((line) => line.includes("hot_") && !line.startsWith("#"));
}

test("a metric that nothing happened for is not there, and then counts each kind of event by itself", async () => {
  const counter = new HotCounter<string>({ name: "hot.counter", description: "", unit: "" }, (kind) => ({ kind }));
  expect(await scraped()).toEqual([]);
  for (const kind of ["a", "b", "a"]) counter.add(kind, kind);
  const lines = await scraped();
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^hot_counter_total\{kind="a".*\} 2$/);
  expect(lines[1]).toMatch(/^hot_counter_total\{kind="b".*\} 1$/);
  counter.add("b", "b");
  expect((await scraped())[1]).toMatch(/ 2$/);
});

test("a histogram counts a value in the first bucket whose boundary it does not exceed", async () => {
  const described = { name: "hot.histogram", description: "", unit: "s", boundaries: [1, 2] };
  const histogram = new HotHistogram<string>(described, (kind) => ({ kind }));
  for (const value of [0.5, 1, 1.5, 2, 2.5, 9]) histogram.record(value, "a", "a");
  const lines = (await scraped()).filter((line) => line.startsWith("hot_histogram"));
  const values = Object.fromEntries(
    lines.map((line) => [
      /^([a-z_]+)/.exec(line)![1]! + (/le="([^"]+)"/.exec(line)?.[1] ?? ""),
      line.split(" ").at(-1),
    ]),
  );
  expect(values).toEqual({
    hot_histogram_bucket1: "2",
    hot_histogram_bucket2: "4",
    "hot_histogram_bucket+Inf": "6",
    hot_histogram_count: "6",
    hot_histogram_sum: "16.5",
  });
});
