const DELAY_MS = 1_000;
const AT_ONCE = 20; // rooms asked for in one go

/** Asks for rooms' summaries where the stream does not tell all, seldom enough for rooms where a hundred people join at once. */
export class Refresher {
  readonly #rooms = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly ask: (room: string) => Promise<unknown>) {}

  want(room: string): void {
    this.#rooms.add(room);
    this.#timer ??= setTimeout(() => this.#go(), DELAY_MS);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rooms.clear();
  }

  #go(): void {
    this.#timer = undefined;
    for (const room of [...this.#rooms].slice(0, AT_ONCE)) {
      this.#rooms.delete(room);
      this.ask(room).catch(() => {}); // after a break, Open brings all summaries
    }
    if (this.#rooms.size > 0) this.#timer = setTimeout(() => this.#go(), DELAY_MS);
  }
}
