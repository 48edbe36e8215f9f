const MAX_ROOMS = 8; // that the node watches for one session
const DELAY_MS = 30; // a change of room closes one and opens another

/** Tells the node which rooms are on show, for their typing, receipts and presence. */
export class Watcher {
  #rooms: readonly string[] = [];
  #told = "";
  readonly #receipts = new Set<string>(); // rooms whose receipts this session has asked for
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly watch: (rooms: string[]) => Promise<unknown>,
    private readonly askReceipts: (room: string) => Promise<unknown>,
  ) {}

  /** `rooms`: the latest last. */
  set(rooms: readonly string[]): void {
    this.#rooms = rooms.slice(-MAX_ROOMS);
    this.#timer ??= setTimeout(() => this.#tell(), DELAY_MS);
  }

  /** A new session knows nothing of it. */
  restart(rooms: readonly string[]): void {
    this.#told = "";
    this.#receipts.clear();
    this.set(rooms);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rooms = [];
    this.#told = "";
    this.#receipts.clear();
  }

  #tell(): void {
    this.#timer = undefined;
    const told = this.#rooms.join(" ");
    if (told === this.#told) return;
    this.#told = told;
    // Where it fails for want of a connection, the next session's restart() says it again.
    this.watch([...this.#rooms]).catch(() => {});
    for (const room of this.#rooms) {
      if (this.#receipts.has(room)) continue;
      this.#receipts.add(room);
      this.askReceipts(room).catch(() => this.#receipts.delete(room));
    }
  }
}
