import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { performance } from "node:perf_hooks";

// Turns of the event loop without any news from the operating system, after which nothing is on its way.
const QUIET_TURNS = 2;
// On a machine that is held up a turn may take long; so many without an end are a bug, not a delay.
const MOST_TURNS = 200_000;

/** What libuv counts of a socket, whoever reads and writes it. */
interface Counted {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

interface Wire {
  readonly client: Socket;
  server: Socket | undefined;
}

/**
 * Wires is every TCP connection that begins and ends in this process. All of them are quiet when what one end wrote the
 * other has read, and the event loop has nothing new: then whatever a step of the clock caused has happened.
 */
export class Wires {
  readonly #wires = new Set<Wire>();
  /** Accepted, by the port of their client, before or after that is known to be connected. */
  readonly #accepted = new Map<number, Socket>();

  constructor() {
    subscribe("net.client.socket", this.#onClient);
    subscribe("net.server.socket", this.#onServer);
  }

  /** Resolves when nothing is on its way any more; rejects when that never comes. */
  readonly quiet = async (): Promise<void> => {
    let quietFor = 0;
    let before = events();
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      const now = events();
      quietFor = now === before && !this.#busy() ? quietFor + 1 : 0;
      before = now;
      if (quietFor > QUIET_TURNS) return;
    }
    throw new Error(`Cannot wait until it is quiet: ${this.#busy() ?? "there is always something new"}`);
  };

  close(): void {
    unsubscribe("net.client.socket", this.#onClient);
    unsubscribe("net.server.socket", this.#onServer);
  }

  readonly #onClient = (message: unknown) => {
    const { socket: client } = message as { socket: Socket };
    this.#wires.add({ client, server: undefined });
  };

  readonly #onServer = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (socket.remotePort !== undefined) this.#accepted.set(socket.remotePort, socket);
  };

  /** What is still on its way; undefined when nothing is. */
  #busy(): string | undefined {
    for (const wire of this.#wires) {
      const { client } = wire;
      if (client.connecting) return "a connection is being made";
      const port = client.localPort;
      if (!wire.server && port !== undefined) {
        wire.server = this.#accepted.get(port);
        this.#accepted.delete(port);
      }
      const { server } = wire;
      if (!server) {
        // Somebody else's server, or one that was gone before it was looked at.
        if (client.destroyed) this.#wires.delete(wire);
        else return `nobody has accepted the connection from port ${port}`;
      } else if (client.destroyed && server.destroyed) this.#wires.delete(wire);
      else {
        const way = lag(client, server) ?? lag(server, client);
        if (way) return `${way}, between ports ${server.localPort} and ${port}`;
      }
    }
    return undefined;
  }
}

/** What `to` has not had yet of what `from` did. One that is paused reads nothing, for as long as it likes. */
function lag(from: Socket, to: Socket): string | undefined {
  if (to.destroyed || to.isPaused()) return undefined;
  if (from.destroyed) return "an end is not seen";
  const [sent, read] = [counted(from)?.bytesWritten, counted(to)?.bytesRead];
  return sent !== undefined && read !== undefined && sent > read ? `${sent - read} bytes are not read` : undefined;
}

// HTTP parsers and HTTP/2 sessions read and write past the Socket object, so that its own counts stand still.
function counted(socket: Socket): Counted | undefined {
  return (Reflect.get(socket, "_handle") as Counted | null | undefined) ?? undefined;
}

function events(): number {
  return performance.nodeTiming.uvMetricsInfo.events;
}
