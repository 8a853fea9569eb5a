import { type Driven, drive, type Source } from "./driven.ts";
import { toConnectError } from "./errors.ts";
import type { FanOut } from "./fan-out.ts";
import type { CallContext } from "./grpc-context.ts";
import { grpcStatusOf } from "./grpc-metadata.ts";
import type { Answers } from "./grpc-stream.ts";
import { endGuarded, type StreamGuard } from "./guard-stream.ts";

/** How a driven stream is written. */
export type Pace =
  /** As much at once as the call takes: for one caller who asks and reads. */
  | "stream"
  /** By turns with other streams, and no message before the last one is on its way: a slow reader gets the newest state. */
  | FanOut;

type Drivable = Required<Driven<unknown>>;

/** The stream as one that can be driven, if it is one. */
export function drivable(stream: AsyncIterable<unknown>): Drivable | undefined {
  return drive in stream && stream[drive] ? (stream as Drivable) : undefined;
}

/** Writes a driven stream to a call until either ends. */
export function driveStream(
  rpc: Answers,
  stream: { source: Drivable; guards: readonly StreamGuard[] },
  { context, pace }: { context: CallContext; pace: Pace },
): void {
  new DrivenCall(rpc, stream, context, pace).begin();
}

/** DrivenCall is a call whose answers are taken from their source whenever there are some and they can be written. */
class DrivenCall {
  readonly #rpc: Answers;
  readonly #guards: readonly StreamGuard[];
  readonly #context: CallContext;
  readonly #pace: Pace;
  readonly #source: Source;
  /** What was written last is not on its way yet. */
  #busy = false;
  /** Waits for its turn in the fan-out. */
  #queued = false;
  #over = false;

  constructor(
    rpc: Answers,
    { source, guards }: { source: Drivable; guards: readonly StreamGuard[] },
    context: CallContext,
    pace: Pace,
  ) {
    this.#rpc = rpc;
    this.#guards = guards;
    this.#context = context;
    this.#pace = pace;
    this.#source = source[drive](() => this.#wake());
  }

  begin(): void {
    this.#context.follow();
    this.#context.onGone = () => this.#end("left");
    if (this.#context.gone) {
      this.#end("left");
      return;
    }
    for (const guard of this.#guards) guard.whenEnding?.(() => this.#stop());
    if (this.#pace === "stream") this.#rpc.on("drain", this.#ready);
    this.#write();
  }

  #wake(): void {
    // A call that is busy looks by itself when it is not any more.
    if (this.#busy || this.#over) return;
    if (this.#pace === "stream") this.#write();
    else if (!this.#queued) {
      this.#queued = true;
      this.#pace.add(this.#turn);
    }
  }

  readonly #turn = () => {
    this.#queued = false;
    this.#write();
  };

  readonly #ready = () => {
    this.#busy = false;
    this.#write();
  };

  #write(): void {
    while (!this.#busy && !this.#over) {
      const bytes = this.#take();
      if (bytes === undefined) {
        if (!this.#over && this.#source.ended) this.#end("done");
        return;
      }
      this.#context.sendHeader();
      if (this.#pace === "stream") this.#busy = !this.#rpc.write(bytes) && this.#rpc.writableNeedDrain;
      else {
        this.#busy = true;
        this.#rpc.write(bytes, this.#ready);
      }
    }
  }

  #take(): Uint8Array | undefined {
    try {
      return this.#source.take();
    } catch (error) {
      this.#end("failed", error);
      return undefined;
    }
  }

  #stop(): void {
    if (!this.#source.stop) return;
    this.#source.stop();
    this.#wake();
  }

  #end(how: "done" | "failed" | "left", error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const context = this.#context;
    if (this.#pace === "stream") this.#rpc.off("drain", this.#ready);
    this.#source.close();
    const failure = endGuarded(this.#guards, how, error);
    if (how !== "left") {
      context.sendHeader();
      if (failure) this.#rpc.emit("error", grpcStatusOf(toConnectError(failure.error), context.trailer));
      else this.#rpc.end(context.trailerMetadata());
    }
    context.close();
  }
}
