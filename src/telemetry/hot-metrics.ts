import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { hrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";

// Metrics of what happens with every call. An instrument of the SDK sorts and prints its attributes at each record, once
// for each reader: five microseconds of a call that takes forty. These keep a cell for each set of attributes, which is
// found by what they count, and are handed to the readers as data of their own when those collect.

interface Described {
  readonly name: string;
  readonly description: string;
  /** For example "s"; empty for a count. */
  readonly unit: string;
}

const metrics: { data(now: HrTime): MetricData }[] = [];
// Everything counts from here on, for as long as the process lives.
const startTime = hrTime();

/** What an event is counted by: equal parts, the same attributes. */
type Parts = readonly [unknown, unknown?, unknown?];

/** Cells finds what is counted for an event by up to three parts of it. */
class Cells<Event, Cell> {
  readonly #make: (event: Event) => Cell;
  readonly #tree = new Map<unknown, Map<unknown, Map<unknown, Cell>>>();

  constructor(make: (event: Event) => Cell) {
    this.#make = make;
  }

  of(event: Event, first: unknown, second: unknown, third: unknown): Cell {
    return this.#tree.get(first)?.get(second)?.get(third) ?? this.#add(event, [first, second, third]);
  }

  *[Symbol.iterator](): Iterator<Cell> {
    for (const seconds of this.#tree.values()) for (const thirds of seconds.values()) yield* thirds.values();
  }

  #add(event: Event, [first, second, third]: Parts): Cell {
    const seconds = this.#tree.get(first) ?? new Map<unknown, Map<unknown, Cell>>();
    const thirds = seconds.get(second) ?? new Map<unknown, Cell>();
    const cell = this.#make(event);
    this.#tree.set(first, seconds.set(second, thirds.set(third, cell)));
    return cell;
  }
}

/** Counts events by what they were. */
export class HotCounter<Event> {
  readonly #cells: Cells<Event, { readonly attributes: Attributes; value: number }>;

  constructor(described: Described, attributesOf: (event: Event) => Attributes) {
    this.#cells = new Cells((event) => ({ attributes: attributesOf(event), value: 0 }));
    const descriptor = { ...described, valueType: ValueType.INT };
    const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE, isMonotonic: true };
    metrics.push({
      data: (endTime) => ({
        ...common,
        dataPointType: DataPointType.SUM,
        dataPoints: Array.from(this.#cells, (cell) => ({ ...cell, startTime, endTime })),
      }),
    });
  }

  /** Counts one more. The parts stand for the event's attributes. */
  add(event: Event, ...[first, second, third]: Parts): void {
    this.#cells.of(event, first, second, third).value++;
  }
}

interface Distribution {
  readonly attributes: Attributes;
  /** How many were at most as large as each boundary and larger than the one before; last, those beyond all. */
  readonly counts: number[];
  count: number;
  sum: number;
  min: number;
  max: number;
}

/** Counts values by size, and by what they were. */
export class HotHistogram<Event> {
  readonly #boundaries: readonly number[];
  readonly #cells: Cells<Event, Distribution>;

  constructor(
    { boundaries, ...described }: Described & { readonly boundaries: readonly number[] },
    attributesOf: (event: Event) => Attributes,
  ) {
    this.#boundaries = boundaries;
    this.#cells = new Cells((event) => empty(attributesOf(event), boundaries.length + 1));
    const descriptor = { ...described, valueType: ValueType.DOUBLE };
    const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    metrics.push({
      data: (endTime) => ({
        ...common,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: Array.from(this.#cells, ({ attributes, counts, ...value }) => {
          const buckets = { boundaries: [...boundaries], counts: [...counts] };
          return { attributes, startTime, endTime, value: { ...value, buckets } };
        }),
      }),
    });
  }

  /** Counts one more value. The parts stand for the event's attributes. */
  record(value: number, event: Event, ...[first, second, third]: Parts): void {
    const cell = this.#cells.of(event, first, second, third);
    const boundaries = this.#boundaries;
    let bucket = 0;
    while (bucket < boundaries.length && value > boundaries[bucket]!) bucket++;
    cell.counts[bucket]!++;
    cell.count++;
    cell.sum += value;
    if (value < cell.min) cell.min = value;
    if (value > cell.max) cell.max = value;
  }
}

function empty(attributes: Attributes, buckets: number): Distribution {
  const counts = Array.from({ length: buckets }, () => 0);
  return { attributes, counts, count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
}

/** What every reader collects beside the SDK's own instruments. */
export const hotMetrics: MetricProducer = {
  async collect() {
    const now = hrTime();
    const data = metrics.map((metric) => metric.data(now)).filter(({ dataPoints }) => dataPoints.length > 0);
    const scopeMetrics = data.length > 0 ? [{ scope: { name: "availability" }, metrics: data }] : [];
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
  },
};
