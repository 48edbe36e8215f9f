// The network between clients and a FakeNode: HTTP, WebSocket and WebTransport, with
// a latency, in order, and whatever trouble a test makes.
import { create, fromBinary, toBinary, type DescMethodUnary } from "@bufbuild/protobuf";
import { Client, LoginResponseSchema, ServerInfoResponseSchema } from "../../gen/client_pb";
import type { Quic, QuicOptions, Socket } from "../env";
import { FrameReader, packFrame } from "../frames";
import { FakeSession, type FakeNode } from "./fakenode";

export class FakeNetwork {
  latency = 5;
  /** Whether the node can be reached at all. */
  up = true;
  udp: "open" | "blocked" | "refused" = "blocked";
  quicOptions: QuicOptions | null = null;
  dials: string[] = [];
  readonly #hangUps = new Set<() => void>();

  constructor(public node: FakeNode) {}

  /** Breaks all connections; what is under way is lost. */
  cut(): void {
    for (const hangUp of [...this.#hangUps]) hangUp();
  }

  async fetch(url: string, init: RequestInit): Promise<Response> {
    await this.#travel();
    if (!this.up) throw new TypeError("network");
    const method = Object.values(Client.method as Record<string, DescMethodUnary>).find((m) => url.endsWith(`/${m.name}`));
    this.node.log.push(`http ${method?.name ?? url}`);
    if (method?.name === "ServerInfo") {
      const info = create(ServerInfoResponseSchema, { name: "n", certificateHashes: this.node.certificateHashes });
      return new Response(toBinary(ServerInfoResponseSchema, info) as Uint8Array<ArrayBuffer>);
    }
    if (method?.name === "Login") {
      const { username, password } = fromBinary(Client.method.login.input, init.body as Uint8Array);
      if (password !== "secret") return Response.json({ code: "unauthenticated", message: "Wrong name or password." }, { status: 401 });
      this.node.tokens.set(`token-${username}`, `${username}@n`);
      const login = create(LoginResponseSchema, { token: `token-${username}`, user: `${username}@n`, device: "d" });
      return new Response(toBinary(LoginResponseSchema, login) as Uint8Array<ArrayBuffer>);
    }
    return new Response(new Uint8Array());
  }

  webSocket(): Socket {
    this.dials.push("websocket");
    const socket: Socket = { binaryType: "", send: () => {}, close: () => {}, onopen: null, onmessage: null, onerror: null, onclose: null };
    const closed = () => socket.onclose?.(undefined as never);
    this.#later(() => {
      if (!this.up) return closed();
      const line = this.#line((bytes) => socket.onmessage?.({ data: bytes.slice().buffer }), closed);
      socket.send = (bytes) => line.send(bytes);
      socket.close = () => line.close();
      socket.onopen?.(undefined as never);
    });
    return socket;
  }

  webTransport(options: QuicOptions): Quic {
    this.dials.push("webtransport");
    this.quicOptions = options;
    if (this.udp === "blocked" || !this.up) return quic(new Promise(() => {}));
    if (this.udp === "refused") return quic(this.#travel().then(() => Promise.reject(new Error("refused"))));
    let hangUp = () => {};
    const stream = async () => {
      let feed!: ReadableStreamDefaultController<Uint8Array>;
      const readable = new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) });
      const frames = new FrameReader();
      const line = this.#line(
        (bytes) => feed.enqueue(packFrame(bytes)),
        () => feed.close(),
        () => this.udp === "open", // blocked in the middle, it says nothing any more
      );
      hangUp = () => line.close();
      const writable = new WritableStream<Uint8Array>({
        write(chunk) {
          for (const frame of frames.push(chunk)) line.send(frame as Uint8Array<ArrayBuffer>);
        },
      });
      return { readable, writable };
    };
    return { ready: this.#travel(), closed: new Promise(() => {}), createBidirectionalStream: stream, close: () => hangUp() };
  }

  /** A two-way line to a new session of the node; nothing arrives after it was cut. */
  #line(toClient: (bytes: Uint8Array) => void, closed: () => void, passes = () => true) {
    let open = true;
    const hangUp = () => {
      if (!open) return;
      open = false;
      this.#hangUps.delete(hangUp);
      session.close();
      closed();
    };
    const session = new FakeSession(this.node, (bytes) => this.#later(() => open && passes() && toClient(bytes)), () => this.#later(hangUp));
    this.#hangUps.add(hangUp);
    return {
      send: (bytes: Uint8Array<ArrayBuffer>) => this.#later(() => open && passes() && session.receive(bytes)),
      close: () => {
        if (!open) return;
        open = false;
        this.#hangUps.delete(hangUp);
        this.#later(() => session.close());
      },
    };
  }

  #later(act: () => void): void {
    setTimeout(act, this.latency); // equal delays keep their order
  }

  #travel(): Promise<void> {
    return new Promise((resolve) => this.#later(resolve));
  }
}

function quic(ready: Promise<unknown>): Quic {
  ready.catch(() => {});
  return { ready, closed: new Promise(() => {}), createBidirectionalStream: () => new Promise(() => {}), close: () => {} };
}
