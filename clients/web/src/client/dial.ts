// Dialing chooses the transport: WebTransport where it works, WebSocket otherwise.
//
// Where UDP is blocked a browser needs 4 s (Chromium) to 31 s (Firefox) to say so,
// hence the timer; and the outcome is remembered, so that the wait is paid once.
import type { TransportName } from "./api";
import type { Env } from "./env";
import { openWebSocket, openWebTransport, type Pipe } from "./pipe";

const WEBTRANSPORT_MS = 2_500;
const WEBSOCKET_MS = 10_000;
// A timeout means that UDP is blocked here, and will be tomorrow. A quick refusal
// may be a node that was just starting, or a certificate that was just renewed.
const BLOCKED_MS = 24 * 3600_000;
const REFUSED_MS = 5 * 60_000;

export class Dialer {
  readonly #env: Env;
  /** A WebTransport session fell silent: either UDP is blocked now, or the node is gone. */
  #suspected = false;

  constructor(env: Env) {
    this.#env = env;
  }

  /**
   * Opens a pipe. `hashes` is asked for only when WebTransport is tried. Rejects
   * when neither way leads to the node.
   */
  async dial(hashes: () => Promise<readonly string[]>, signal: AbortSignal): Promise<Pipe> {
    if (!this.#usable()) return this.#webSocket(signal);
    if (this.#suspected) {
      this.#suspected = false;
      const pipe = await this.#webSocket(signal); // where it fails, it was the node
      this.#avoidFor(REFUSED_MS);
      return pipe;
    }
    const failure = await this.#webTransport(await hashes(), signal);
    if ("name" in failure) return failure;
    const pipe = await this.#webSocket(signal);
    // Only now is it sure that it was the transport, not the node, that failed.
    this.#avoidFor(failure.timedOut ? BLOCKED_MS : REFUSED_MS);
    return pipe;
  }

  /** A session fell silent: the next try is by the other way. */
  suspect(transport: TransportName): void {
    this.#suspected = transport === "webtransport";
  }

  /** A session works: forget earlier trouble. */
  trust(transport: TransportName): void {
    if (transport === "webtransport") this.#env.storage.removeItem(this.#key);
  }

  get #key(): string {
    return `hearth.websocket-until.${this.#env.origin}`;
  }

  #usable(): boolean {
    if (!this.#env.webTransport || !this.#env.origin.startsWith("https:")) return false;
    const until = Number(this.#env.storage.getItem(this.#key) ?? 0);
    // A time too far ahead was written by a clock that has since been set back.
    return !(until > Date.now() && until <= Date.now() + BLOCKED_MS);
  }

  #avoidFor(ms: number): void {
    this.#env.storage.setItem(this.#key, String(Date.now() + ms));
  }

  async #webTransport(hashes: readonly string[], signal: AbortSignal): Promise<Pipe | { timedOut: boolean }> {
    const timer = timeout(signal, WEBTRANSPORT_MS);
    try {
      return await openWebTransport(this.#env, hashes, timer.signal);
    } catch {
      if (signal.aborted) throw new Error("given up");
      return { timedOut: timer.signal.aborted };
    } finally {
      timer.stop();
    }
  }

  async #webSocket(signal: AbortSignal): Promise<Pipe> {
    const timer = timeout(signal, WEBSOCKET_MS);
    try {
      return await openWebSocket(this.#env, timer.signal);
    } finally {
      timer.stop();
    }
  }
}

/** A signal that aborts with `outer`, or after `ms` unless stopped. */
function timeout(outer: AbortSignal, ms: number): { signal: AbortSignal; stop(): void } {
  const inner = new AbortController();
  const abort = () => inner.abort();
  const timer = setTimeout(abort, ms);
  outer.addEventListener("abort", abort, { once: true });
  if (outer.aborted) abort();
  return {
    signal: inner.signal,
    stop() {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    },
  };
}
