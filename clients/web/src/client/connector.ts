// The connector keeps one session open for as long as somebody is signed in: it
// dials, opens, watches, and dials again. What a session brings goes to `hooks`.
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Client,
  OpenRequestSchema,
  OpenResponseSchema,
  type OpenResponse,
  type ServerFrame,
} from "../gen/client_pb";
import { CommandError, type Connection } from "./api";
import { Backoff } from "./backoff";
import type { Dialer } from "./dial";
import type { Env } from "./env";
import { call, unreachable } from "./rpc";
import { Session } from "./session";

export interface Hooks {
  /** What to say in Open, the token apart. */
  hello(): MessageInitShape<typeof OpenRequestSchema>;
  /** A session is open; frames follow. */
  opened(response: OpenResponse): void;
  frame(frame: ServerFrame): void;
  /** `state` is another one. */
  changed(): void;
  /** The node no longer accepts the token. */
  refused(reason: string): void;
}

const MAX_WAITING = 256;
/** After these the token is worth nothing any more. */
const signsOut: ReadonlySet<string> = new Set(["unauthenticated", "disabled"]);

interface Waiter {
  resolve(session: Session): void;
  reject(error: CommandError): void;
}

export class Connector {
  state: Connection = { phase: "signed-out", transport: null, retryAt: null, reason: "" };

  readonly #backoff: Backoff;
  #token = "";
  #session: Session | null = null;
  #attempt: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: Waiter[] = [];
  #onSettled: (() => void)[] = [];

  constructor(
    private readonly env: Env,
    private readonly dialer: Dialer,
    private readonly hooks: Hooks,
  ) {
    this.#backoff = new Backoff(() => env.random());
    env.onWake(() => this.#wake());
  }

  /** Resolves when the first try has ended, well or not. */
  start(token: string): Promise<void> {
    this.stop();
    this.#token = token;
    this.#backoff.reset();
    void this.#try();
    return new Promise((resolve) => this.#onSettled.push(resolve));
  }

  /** Signs out on this side: no session, no further try. */
  stop(reason = ""): void {
    this.#token = "";
    clearTimeout(this.#timer);
    this.#attempt?.abort();
    this.#attempt = null;
    const session = this.#session;
    this.#session = null;
    session?.end();
    this.#set({ phase: "signed-out", transport: null, retryAt: null, reason });
  }

  reconnectNow(): void {
    if (this.state.phase === "offline") void this.#try();
  }

  /** Sends a request in the session; waits for one that is being opened, but not while offline. */
  async request(command: string, body: Uint8Array): Promise<Uint8Array> {
    return (await this.#online()).request(command, body);
  }

  #online(): Promise<Session> {
    if (this.state.phase === "online" && this.#session) return Promise.resolve(this.#session);
    if (this.state.phase !== "connecting" || this.#waiting.length >= MAX_WAITING) return Promise.reject(unreachable());
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #wake(): void {
    if (this.state.phase === "online") this.#session?.probe();
    // Where the node said not to come back, only a person's click does.
    else if (this.state.retryAt !== null) this.reconnectNow();
  }

  async #try(): Promise<void> {
    clearTimeout(this.#timer);
    const attempt = (this.#attempt = new AbortController());
    this.#set({ phase: "connecting", transport: null, retryAt: null, reason: this.state.reason });
    let session: Session;
    try {
      session = new Session(await this.dialer.dial(() => this.#certificateHashes(), attempt.signal));
    } catch {
      if (!attempt.signal.aborted) this.#retry(unreachable(), 0);
      return;
    }
    if (attempt.signal.aborted) {
      session.end();
      return;
    }
    await this.#open(session, attempt);
  }

  async #open(session: Session, attempt: AbortController): Promise<void> {
    this.#session = session;
    // Frames may come together with the answer to Open, but belong after it.
    let early: ServerFrame[] | null = [];
    session.onFrame = (frame) => (early ? early.push(frame) : this.#receive(session, frame));
    let response: OpenResponse;
    try {
      const hello = create(OpenRequestSchema, { ...this.hooks.hello(), token: this.#token });
      const body = await session.request(Client.method.open.name, toBinary(OpenRequestSchema, hello));
      response = fromBinary(OpenResponseSchema, body);
      if (!session.open) throw unreachable(); // it broke just after it had answered
    } catch (error) {
      session.onFrame = () => {};
      session.end();
      if (attempt.signal.aborted) return;
      this.#session = null;
      if (session.fellSilent) this.dialer.suspect(session.transport);
      const bye = early.find((frame) => frame.bye)?.bye;
      this.#refused(error instanceof CommandError ? error : unreachable(), bye?.reconnectAfterMs);
      return;
    }
    if (attempt.signal.aborted) return;
    this.dialer.trust(session.transport);
    const since = Date.now();
    session.onEnd = () => this.#ended(session, Date.now() - since);
    session.heartbeat(response.heartbeatSeconds || 15);
    this.hooks.opened(response);
    this.#set({ phase: "online", transport: session.transport, retryAt: null, reason: "" });
    const frames: ServerFrame[] = early;
    early = null;
    for (const frame of frames) this.#receive(session, frame);
  }

  #receive(session: Session, frame: ServerFrame): void {
    if (session !== this.#session) return;
    this.hooks.frame(frame);
    if (!frame.bye) return;
    const { error, reconnectAfterMs } = frame.bye;
    this.#session = null; // so that #ended does not retry by its own rule
    session.end();
    const reason = new CommandError(error?.code ?? "unreachable", error?.message ?? "", true, 0);
    if (reconnectAfterMs === 0) this.#refused(new CommandError(reason.code, reason.message, false, 0));
    // Spread out: everybody else was told the same.
    else this.#refused(reason, reconnectAfterMs * (1 + this.env.random()));
  }

  #ended(session: Session, onlineMs: number): void {
    if (session !== this.#session) return;
    this.#session = null;
    if (session.fellSilent) this.dialer.suspect(session.transport);
    this.#retry(unreachable(), onlineMs);
  }

  #refused(error: CommandError, afterMs?: number): void {
    if (signsOut.has(error.code)) {
      this.stop(error.message);
      this.hooks.refused(error.message);
    } else if (error.retry) {
      this.#retry(error, 0, Math.max(afterMs ?? 0, error.retryAfterMs));
    } else {
      this.#set({ phase: "offline", transport: null, retryAt: null, reason: error.message });
    }
  }

  #retry(why: CommandError, onlineMs: number, afterMs = 0): void {
    const delay = Math.round(Math.max(afterMs || this.#backoff.next(onlineMs), 1));
    this.#set({ phase: "offline", transport: null, retryAt: Date.now() + delay, reason: why.message });
    this.#timer = setTimeout(() => void this.#try(), delay);
  }

  #set(state: Connection): void {
    this.state = state;
    if (state.phase === "online") this.#hand((w) => w.resolve(this.#session!));
    else if (state.phase !== "connecting") this.#hand((w) => w.reject(unreachable()));
    if (state.phase !== "connecting") for (const settled of this.#onSettled.splice(0)) settled();
    this.hooks.changed();
  }

  #hand(give: (waiter: Waiter) => void): void {
    for (const waiter of this.#waiting.splice(0)) give(waiter);
  }

  async #certificateHashes(): Promise<readonly string[]> {
    return (await call(this.env, "", Client.method.serverInfo, {})).certificateHashes;
  }
}
