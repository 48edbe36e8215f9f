const MAX_ROOMS = 8; // that the node watches for one session
const DELAY_MS = 30; // a change of room closes one and opens another

/** Tells the node which rooms are on show, for their typing, receipts and presence. */
export class Watcher {
  #rooms: readonly string[] = [];
  #beside: readonly string[] = [];
  #told = "";
  readonly #receipts = new Set<string>(); // rooms whose receipts this session has asked for
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly watch: (rooms: string[]) => Promise<unknown>,
    private readonly askReceipts: (room: string) => Promise<unknown>,
  ) {}

  /** `rooms` are open, the latest last; of those `beside` only who is here is on show, as far as there is place. */
  set(rooms: readonly string[], beside: readonly string[]): void {
    this.#rooms = rooms.slice(-MAX_ROOMS);
    this.#beside = beside.filter((room) => !this.#rooms.includes(room)).slice(0, MAX_ROOMS - this.#rooms.length);
    this.#timer ??= setTimeout(() => this.#tell(), DELAY_MS);
  }

  /** A new session knows nothing of it. */
  restart(rooms: readonly string[], beside: readonly string[]): void {
    this.#told = "";
    this.#receipts.clear();
    this.set(rooms, beside);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#rooms = this.#beside = [];
    this.#told = "";
    this.#receipts.clear();
  }

  #tell(): void {
    this.#timer = undefined;
    const all = [...this.#rooms, ...this.#beside];
    const told = [...all].sort().join(" ");
    if (told === this.#told) return;
    this.#told = told;
    // Where it fails for want of a connection, the next session's restart() says it again.
    this.watch(all).catch(() => {});
    for (const room of this.#rooms) {
      if (this.#receipts.has(room)) continue;
      this.#receipts.add(room);
      this.askReceipts(room).catch(() => this.#receipts.delete(room));
    }
  }
}
