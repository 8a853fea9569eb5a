import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import type { Server, ServerWritableStream } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { HealthImplementation, service } from "grpc-health-check";
import type { Lifecycle } from "./guard-lifecycle.ts";
import { readFiles } from "./reflection-files.ts";

type WatchCall = ServerWritableStream<unknown, unknown>;

/**
 * Adds grpc.health.v1 to the server, for the server as a whole and for each service: SERVING while calls are welcome,
 * NOT_SERVING before and as soon as the drain begins. Its own Watch streams end when the others do.
 */
export function addHealth(server: Server, services: readonly string[], lifecycle: Lifecycle): void {
  const names = ["", ...services];
  const now = () => (lifecycle.phase === "serving" ? "SERVING" : "NOT_SERVING");
  const health = new HealthImplementation(Object.fromEntries(names.map((name) => [name, now()])));
  const watching = new Set<WatchCall>();
  lifecycle.follow((phase) => {
    if (phase === "closing") for (const call of watching) endWatch(call);
    else for (const name of names) health.setStatus(name, now());
  });
  health.addToServer({
    addService(definition, handlers) {
      const watch = (call: WatchCall) => {
        watching.add(call);
        call.on("cancelled", () => watching.delete(call));
        (handlers.watch as (call: WatchCall) => void)(call);
      };
      server.addService(definition, { ...handlers, watch });
    },
  });
}

function endWatch(call: WatchCall): void {
  call.emit("error", { code: status.UNAVAILABLE, details: "Cannot go on with the stream: the server is draining" });
}

/** The files of grpc.health.v1, for reflection. */
export function healthFiles(): FileDescriptorProto[] {
  return readFiles(service.Check!.requestType.fileDescriptorProtos);
}
