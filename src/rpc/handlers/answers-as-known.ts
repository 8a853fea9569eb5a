/** Who answers the questions of one stream. */
export interface Answerer<Question, Answer> {
  /** The answer, when it is known at once; else undefined, and `give` is called with it later. Does not throw. */
  ask(question: Question): Answer | undefined;
  /** How many answers are still to be given. */
  pending(): number;
  /** Called once, when no more answers are wanted: they were all read, nobody reads any more, or the questions broke. */
  close(): void;
}

/**
 * AnswersAsKnown is the answers of one stream, in the order they become known. A question is read only while its reader
 * waits for an answer and none is there, so that who does not read is not read from: what is held is at most the pending
 * answers and one more. When the questions end, the rest is answered; when they break, so do the answers.
 */
export class AnswersAsKnown<Question, Answer> implements AsyncIterableIterator<Answer> {
  readonly #questions: AsyncIterator<Question>;
  readonly #answerer: Answerer<Question, Answer>;
  /** Answers nobody has read, oldest first. */
  readonly #known: Answer[] = [];
  #reader: { resolve(result: IteratorResult<Answer>): void; reject(error: unknown): void } | undefined;
  #asking = false;
  /** No more questions come. */
  #asked = false;
  #broken: { readonly error: unknown } | undefined;
  #closed = false;

  constructor(questions: AsyncIterable<Question>, answerer: Answerer<Question, Answer>) {
    this.#questions = questions[Symbol.asyncIterator]();
    this.#answerer = answerer;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Answer>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#go();
    });
  }

  /** Nobody reads any more: what is pending is not waited for. */
  async return(): Promise<IteratorResult<Answer>> {
    this.leave();
    return { done: true, value: undefined };
  }

  /** Takes an answer that was pending. */
  give(answer: Answer): void {
    if (this.#closed) return;
    this.#known.push(answer);
    if (this.#reader) this.#go();
  }

  /** Ends the answers here and now. */
  leave(): void {
    this.#known.length = 0;
    this.#asked = true;
    this.#close();
    // Not awaited: it may wait for a question that never comes.
    void this.#questions.return?.().then(undefined, () => {});
    this.#go();
  }

  /** Gives the reader what there is, or sees to it that there will be something. */
  #go(): void {
    const reader = this.#reader;
    if (!reader) return;
    const answer = this.#known.shift();
    if (answer !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: answer });
    } else if (this.#broken) {
      this.#reader = undefined;
      reader.reject(this.#broken.error);
    } else if (this.#closed || (this.#asked && this.#answerer.pending() === 0)) {
      this.#reader = undefined;
      this.#close();
      reader.resolve({ done: true, value: undefined });
    } else if (!this.#asking && !this.#asked) {
      this.#asking = true;
      this.#questions.next().then(this.#came, this.#broke);
    }
  }

  readonly #came = ({ done, value }: IteratorResult<Question>): void => {
    this.#asking = false;
    if (this.#closed) return;
    if (done) this.#asked = true;
    else {
      const answer = this.#answerer.ask(value);
      if (answer !== undefined) this.#known.push(answer);
    }
    this.#go();
  };

  readonly #broke = (error: unknown): void => {
    this.#asking = false;
    this.#asked = true;
    if (this.#closed) return;
    this.#broken = { error };
    this.#close();
    this.#go();
  };

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answerer.close();
  }
}
