import type { Change } from "./api";

const FLUSH_MS = 16;
const MAX_MESSAGES = 50; // notifications of one batch; nobody reads more

/**
 * Collects what changed and tells the listeners once per 16 ms. A timer and not
 * requestAnimationFrame: that one stands still in a hidden tab, whose title and
 * notifications must go on.
 */
export class Changes {
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  #waiting = new Map<string, Change>();
  #messages: Change[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(change: Change): void {
    if (change.kind === "message") {
      this.#messages.push(change);
      if (this.#messages.length > MAX_MESSAGES) this.#messages.shift();
    } else {
      this.#waiting.set(key(change), change);
    }
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = [...this.#waiting.values(), ...this.#messages];
    this.#waiting = new Map();
    this.#messages = [];
    if (batch.length === 0) return;
    for (const listener of [...this.#listeners]) listener(batch);
  }
}

function key(change: Change): string {
  const { kind, room, thread } = change as { kind: string; room?: string; thread?: string };
  return `${kind} ${room ?? ""} ${thread ?? ""}`;
}
