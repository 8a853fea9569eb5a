/** What is taken from, message by message, without a promise for each. */
export interface Source {
  /** The next message, encoded, if there is one now. Throws what the stream breaks with. */
  take(): Uint8Array | undefined;
  /** Nothing more will come once everything is taken. */
  readonly ended: boolean;
  /** Nobody takes any more. */
  close(): void;
  /** The server wants the stream to end; a source that has no such method knows by itself. */
  stop?(): void;
}

/** How a stream of answers is driven by its writer. */
export const drive = Symbol("drive the answers");

/**
 * Driven is a stream of answers that can be iterated, as Connect does, or driven by its writer: then no promise is made
 * for an answer, and none is encoded twice. For streams that carry thousands of answers a second, or that thousands read.
 */
export interface Driven<T> extends AsyncIterable<T> {
  /** Begins. `wake` is called when there may be something to take after there was nothing, and when it ended. */
  [drive]?(wake: () => void): Source;
}
