const FIRST_MS = 500;
const LAST_MS = 30_000;
const STEADY_MS = 10_000; // a session that lasted this long ends the trouble before it

/** How long to wait before the next try: doubling from 0.5 s to 30 s, with jitter so that a restarted node is not met by all at once. */
export class Backoff {
  #failures = 0;

  constructor(private readonly random: () => number) {}

  /** To be called when a try failed or a session, online for `onlineMs`, ended. */
  next(onlineMs: number): number {
    if (onlineMs >= STEADY_MS) this.#failures = 0;
    const ceiling = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(this.#failures++, 10));
    return Math.max(FIRST_MS, Math.round(ceiling * (0.5 + this.random() / 2)));
  }

  reset(): void {
    this.#failures = 0;
  }
}
