import { AsyncLocalStorage } from "node:async_hooks";
import { type Driven, drive, type Source } from "../driven.ts";
import { type Listening, listen, type Requests } from "../requests.ts";

/** Who answers the questions of one stream. */
export interface Answerer<Question, Answer, Message> {
  /** The answer, when it is known at once; else undefined, and `give` is called with it later. Does not throw. */
  ask(question: Question): Answer | undefined;
  /** How many answers are still to be given. */
  pending(): number;
  /** Called once, when no more answers are wanted: they were all read, nobody reads any more, or the questions broke. */
  close(): void;
  /** An answer as the message that is sent, and the same encoded. */
  message(answer: Answer): Message;
  bytes(answer: Answer): Uint8Array;
}

// Answers that are held for a writer who is busy, before no more is read from the caller.
const MOST_HELD = 64;

/**
 * AnswersAsKnown is the answers of one stream, in the order they become known. A question is read only while answers are
 * read, so that who does not read is not read from: of an iterated stream only while its reader waits and no answer is
 * there, of a driven one until a few answers are held. When the questions end, the rest is answered; when they break, so
 * do the answers.
 */
export class AnswersAsKnown<Question, Answer, Message> implements AsyncIterableIterator<Message>, Driven<Message> {
  readonly #requests: Requests<Question>;
  readonly #answerer: Answerer<Question, Answer, Message>;
  /** Answers nobody has read, oldest first. */
  readonly #known: Answer[] = [];
  /** Present from the first question that is iterated for. */
  #questions: AsyncIterator<Question> | undefined;
  /** Present when the stream is driven. */
  #wake: (() => void) | undefined;
  #listening: Listening | undefined;
  #paused = false;
  #reader: { resolve(result: IteratorResult<Message>): void; reject(error: unknown): void } | undefined;
  #asking = false;
  /** No more questions come. */
  #asked = false;
  #broken: { readonly error: unknown } | undefined;
  #closed = false;

  /** How a writer drives the stream, where its questions can be listened to. */
  readonly [drive]?: (wake: () => void) => Source;

  constructor(requests: Requests<Question>, answerer: Answerer<Question, Answer, Message>) {
    this.#requests = requests;
    this.#answerer = answerer;
    if (requests[listen]) this[drive] = (wake) => this.#drive(wake);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Message>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#go();
    });
  }

  /** Nobody reads any more: what is pending is not waited for. */
  async return(): Promise<IteratorResult<Message>> {
    this.leave();
    return { done: true, value: undefined };
  }

  /** Takes an answer that was pending. */
  give(answer: Answer): void {
    if (this.#closed) return;
    this.#known.push(answer);
    this.#tell();
  }

  /** Ends the answers here and now. */
  leave(): void {
    this.#known.length = 0;
    this.#asked = true;
    this.#close();
    this.#listening?.leave();
    // Not awaited: it may wait for a question that never comes.
    void this.#questions?.return?.().then(undefined, () => {});
    this.#tell();
  }

  #drive(wake: () => void): Source {
    this.#wake = wake;
    this.#listening = this.#requests[listen]!({
      came: (question) => {
        this.#takeAsCaller(question);
        if (this.#known.length > 0) wake();
        if (this.#known.length < MOST_HELD || this.#paused) return;
        this.#paused = true;
        this.#listening?.pause();
      },
      ended: () => {
        this.#asked = true;
        wake();
      },
      failed: this.#broke,
    });
    const isOver = () => this.#over;
    return {
      take: () => this.#takeBytes(),
      get ended() {
        return isOver();
      },
      close: () => this.leave(),
    };
  }

  #takeBytes(): Uint8Array | undefined {
    const answer = this.#known.shift();
    if (answer !== undefined) return this.#answerer.bytes(answer);
    if (this.#broken) throw this.#broken.error;
    if (this.#over) this.#close();
    else if (this.#paused) {
      this.#paused = false;
      this.#listening?.resume();
    }
    return undefined;
  }

  /** Nothing more will be known. */
  get #over(): boolean {
    return this.#closed || (this.#asked && this.#answerer.pending() === 0 && this.#known.length === 0);
  }

  #tell(): void {
    if (this.#wake) this.#wake();
    else if (this.#reader) this.#go();
  }

  /** Gives the reader what there is, or sees to it that there will be something. */
  #go(): void {
    const reader = this.#reader;
    if (!reader) return;
    const answer = this.#known.shift();
    if (answer !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: this.#answerer.message(answer) });
    } else if (this.#broken) {
      this.#reader = undefined;
      reader.reject(this.#broken.error);
    } else if (this.#over) {
      this.#reader = undefined;
      this.#close();
      reader.resolve({ done: true, value: undefined });
    } else if (!this.#asking && !this.#asked) {
      this.#asking = true;
      this.#questions ??= this.#requests[Symbol.asyncIterator]();
      this.#questions.next().then(this.#came, this.#broke);
    }
  }

  readonly #came = ({ done, value }: IteratorResult<Question>): void => {
    this.#asking = false;
    if (this.#closed) return;
    if (done) this.#asked = true;
    else this.#take(value);
    this.#go();
  };

  readonly #broke = (error: unknown): void => {
    this.#asking = false;
    this.#asked = true;
    if (this.#closed) return;
    this.#broken = { error };
    this.#close();
    this.#tell();
  };

  #take(question: Question): void {
    const answer = this.#answerer.ask(question);
    if (answer !== undefined) this.#known.push(answer);
  }

  /** What comes by itself is asked in the name of the call, for its traces, not in that of the connection. */
  readonly #takeAsCaller = AsyncLocalStorage.bind((question: Question) => this.#take(question));

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answerer.close();
  }
}
