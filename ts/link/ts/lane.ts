/** Messages of one class that wait, in order: a queue whose array is cut now and then, not at every message. */
export class Lane<Message> {
  #messages: Message[] = [];
  #front = 0;

  get first(): Message | undefined {
    return this.#messages[this.#front];
  }

  push(message: Message): void {
    this.#messages.push(message);
  }

  /** The first one, which is taken out. */
  shift(): Message | undefined {
    const message = this.first;
    if (message === undefined) return undefined;
    this.#front += 1;
    if (this.#front * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#front);
      this.#front = 0;
    }
    return message;
  }
}
