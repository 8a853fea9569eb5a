import { type Meter, type MeterProvider, metrics } from "@opentelemetry/api";

// The API has a proxy for tracers but none for meters: an instrument made before the SDK starts stays mute for ever.
// Modules make their instruments when they are loaded, so each is made at its first use, and again when the SDK changed.

/** Describes an instrument once; the returned function gives it, bound to the meter provider of that moment. */
export function instrument<T>(make: (meter: Meter) => T): () => T {
  let made: T | undefined;
  let madeBy: MeterProvider | undefined;
  return () => {
    const provider = metrics.getMeterProvider();
    if (made === undefined || madeBy !== provider) {
      made = make(provider.getMeter("availability"));
      madeBy = provider;
    }
    return made;
  };
}
