// One session: a pipe, the requests under way on it, and the heartbeats that tell
// a silent server from a dead one. It ends once and is then thrown away.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClientFrameSchema, ServerFrameSchema, type Reply, type ServerFrame } from "../gen/client_pb";
import { CommandError } from "./api";
import type { Pipe } from "./pipe";
import { commandError, unreachable } from "./rpc";

const REQUEST_MS = 20_000;
const MAX_UNDER_WAY = 512;
// A node takes frames of 256 KiB and messages of 64 KiB; what is asked for together
// stays well below, the framing of each request included.
const FRAME_BYTES = 100_000;
const FRAME_REQUESTS = 64;
const SILENT_HEARTBEATS = 3;
// Heartbeats notice a dead server in three quarters of a minute. Who waits for an
// answer should not wait that long: when nothing at all is heard for STALL_MS after
// a request, a ping is sent, and that has PROBE_MS to be answered.
const STALL_MS = 1_500;
const PROBE_MS = 3_000;

interface UnderWay {
  resolve(body: Uint8Array): void;
  reject(error: CommandError): void;
  timer: ReturnType<typeof setTimeout>;
}

export class Session {
  /** Called with every frame, after its replies were handed out. */
  onFrame: (frame: ServerFrame) => void = () => {};
  /** Called once when the session has ended, by whomever. */
  onEnd: () => void = () => {};

  #open = true;
  #heardAnything = false;
  #nextId = 1n;
  readonly #underWay = new Map<bigint, UnderWay>();
  #outgoing: { id: bigint; command: string; body: Uint8Array }[] = [];
  #sent = Date.now();
  #heard = Date.now();
  #heartbeatMs = 0;
  #beat: ReturnType<typeof setInterval> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;
  #stall: ReturnType<typeof setTimeout> | undefined;
  #silent = false;

  constructor(private readonly pipe: Pipe) {
    pipe.onFrame = (bytes) => this.#receive(bytes);
    pipe.onClose = () => this.end();
  }

  get transport() {
    return this.pipe.name;
  }

  get open(): boolean {
    return this.#open;
  }

  /** It ended because nothing was heard any more: the transport may be at fault. */
  get fellSilent(): boolean {
    return this.#silent || !this.#heardAnything;
  }

  /** Resolves to the response's bytes; rejects with a CommandError. */
  request(command: string, body: Uint8Array): Promise<Uint8Array> {
    if (!this.#open) return Promise.reject(unreachable());
    if (this.#underWay.size >= MAX_UNDER_WAY) {
      return Promise.reject(new CommandError("busy", "Too much is under way; try again in a moment.", true, 1_000));
    }
    const id = this.#nextId++;
    if (this.#outgoing.push({ id, command, body }) === 1) queueMicrotask(() => this.#flush());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#underWay.delete(id);
        reject(new CommandError("unreachable", "The server did not answer in time.", true, 0));
      }, REQUEST_MS);
      this.#underWay.set(id, { resolve, reject, timer });
      this.#stall ??= setTimeout(() => this.#onStall(), STALL_MS);
    });
  }

  /** Starts heartbeats as the server asked for them in its answer to Open. */
  heartbeat(seconds: number): void {
    this.#heartbeatMs = Math.max(1, seconds) * 1_000;
    clearInterval(this.#beat);
    this.#beat = setInterval(() => this.#onBeat(), Math.min(this.#heartbeatMs / 2, 5_000));
  }

  /** Finds out soon whether the server is still there, as after sleep or a change of network. */
  probe(): void {
    if (!this.#open || this.#probe) return;
    this.#sendFrame({ ping: true });
    this.#probe = setTimeout(() => this.#endSilent(), PROBE_MS);
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#beat);
    clearTimeout(this.#probe);
    clearTimeout(this.#stall);
    this.pipe.close();
    for (const { reject, timer } of this.#underWay.values()) {
      clearTimeout(timer);
      reject(unreachable());
    }
    this.#underWay.clear();
    this.onEnd();
  }

  /** All requests made in one turn go out together, in as few frames as the node's limits allow. */
  #flush(): void {
    const waiting = this.#outgoing;
    this.#outgoing = [];
    let bytes = 0;
    let requests: typeof waiting = [];
    for (const request of waiting) {
      if (requests.length > 0 && (requests.length >= FRAME_REQUESTS || bytes + request.body.length > FRAME_BYTES)) {
        this.#sendFrame({ requests });
        requests = [];
        bytes = 0;
      }
      requests.push(request);
      bytes += request.body.length;
    }
    if (requests.length > 0) this.#sendFrame({ requests });
  }

  #sendFrame(frame: { requests?: { id: bigint; command: string; body: Uint8Array }[]; ping?: boolean; pong?: boolean }): void {
    this.#sent = Date.now();
    this.pipe.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, frame)) as Uint8Array<ArrayBuffer>);
  }

  #receive(bytes: Uint8Array): void {
    this.#heard = Date.now();
    this.#heardAnything = true;
    clearTimeout(this.#probe);
    this.#probe = undefined;
    let frame: ServerFrame;
    try {
      frame = fromBinary(ServerFrameSchema, bytes);
    } catch {
      this.end(); // what follows could not be trusted either
      return;
    }
    if (frame.ping) this.#sendFrame({ pong: true });
    for (const reply of frame.replies) this.#settle(reply);
    this.onFrame(frame);
  }

  #settle(reply: Reply): void {
    const request = this.#underWay.get(reply.id);
    if (!request) return; // it had timed out
    this.#underWay.delete(reply.id);
    clearTimeout(request.timer);
    if (reply.error) request.reject(commandError(reply.error));
    else request.resolve(reply.body);
  }

  #onBeat(): void {
    const now = Date.now();
    if (now - this.#heard > SILENT_HEARTBEATS * this.#heartbeatMs) this.#endSilent();
    else if (now - this.#sent >= this.#heartbeatMs - 1_000) this.#sendFrame({ ping: true });
  }

  #onStall(): void {
    this.#stall = undefined;
    if (this.#underWay.size === 0) return;
    const silence = Date.now() - this.#heard;
    if (silence >= STALL_MS) this.probe();
    this.#stall = setTimeout(() => this.#onStall(), silence >= STALL_MS ? STALL_MS : STALL_MS - silence);
  }

  #endSilent(): void {
    this.#silent = true;
    this.end();
  }
}
