import { CommandError } from "./api";

// What goes out about one's own reading and typing, no more often than it must.
const READ_MS = 500;
const TYPING_MS = 4_000; // the node ends typing after 6 s
const RETRY_MS = 5_000;

export interface Hooks {
  read(room: string, pos: bigint): Promise<unknown>;
  typing(room: string, on: boolean): Promise<unknown>;
}

export class Reading {
  readonly #read = new Map<string, bigint>(); // to be said
  readonly #said = new Map<string, bigint>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #typed = new Map<string, number>(); // room -> when "on" was said

  constructor(private readonly hooks: Hooks) {}

  /** Says, soon, that the room was read up to `pos`; of several only the last. */
  read(room: string, pos: bigint): void {
    if (pos <= (this.#said.get(room) ?? -1n) || pos <= (this.#read.get(room) ?? -1n)) return;
    this.#read.set(room, pos);
    this.#timer ??= setTimeout(() => void this.#say(), READ_MS);
  }

  /** The connection is back. */
  retry(): void {
    this.#typed.clear();
    if (this.#read.size > 0) this.#timer ??= setTimeout(() => void this.#say(), READ_MS);
  }

  typing(room: string, on: boolean): void {
    const last = this.#typed.get(room);
    if (on) {
      if (last !== undefined && Date.now() - last < TYPING_MS) return;
      this.#typed.set(room, Date.now());
    } else {
      if (last === undefined) return;
      this.#typed.delete(room);
    }
    this.hooks.typing(room, on).catch(() => {});
  }

  /** A message says to all that typing has ended. */
  sent(room: string): void {
    this.#typed.delete(room);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#read.clear();
    this.#said.clear();
    this.#typed.clear();
  }

  async #say(): Promise<void> {
    this.#timer = undefined;
    const due = [...this.#read];
    this.#read.clear();
    for (const [room, pos] of due) {
      this.#said.set(room, pos);
      this.hooks.read(room, pos).catch((error: unknown) => {
        if (this.#said.get(room) !== pos) return; // it has been read further since
        this.#said.delete(room);
        if (error instanceof CommandError && !error.retry) return; // no longer a room of ours
        this.#read.set(room, pos);
        this.#timer ??= setTimeout(() => void this.#say(), RETRY_MS);
      });
    }
  }
}
