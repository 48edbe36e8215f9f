// A pipe carries whole frames both ways, in order, until it closes. Two kinds:
// WebSocket (/ws) and WebTransport (/wt); above here nobody sees a difference.
import type { TransportName } from "./api";
import type { Env, Quic, QuicOptions, Socket } from "./env";
import { FrameReader, packFrame } from "./frames";

export interface Pipe {
  readonly name: TransportName;
  /** Called with each frame that came. Set it before the first await after the pipe was opened. */
  onFrame: (frame: Uint8Array) => void;
  /** Called once, whoever closed. */
  onClose: () => void;
  /** A closed pipe swallows frames: onClose has told. */
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Resolves when the server has accepted; rejects when it cannot be reached so. `signal` gives up. */
export function openWebSocket(env: Env, signal: AbortSignal): Promise<Pipe> {
  return new Promise((resolve, reject) => {
    const socket = env.webSocket(`${env.origin.replace(/^http/, "ws")}/ws`, "hearth.v1");
    socket.binaryType = "arraybuffer";
    const pipe = new SocketPipe(socket);
    const fail = () => {
      socket.close();
      reject(new Error("no WebSocket"));
    };
    socket.onopen = () => {
      socket.onclose = () => pipe.closed();
      signal.removeEventListener("abort", fail);
      resolve(pipe);
    };
    socket.onclose = fail;
    signal.addEventListener("abort", fail, { once: true });
    if (signal.aborted) fail();
  });
}

class SocketPipe implements Pipe {
  readonly name = "websocket";
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: () => void = () => {};
  #open = true;

  constructor(private readonly socket: Socket) {
    socket.onmessage = ({ data }) => {
      if (!this.#open) return;
      // A text message is not of this protocol.
      if (data instanceof ArrayBuffer) this.onFrame(new Uint8Array(data));
      else this.close();
    };
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#open) this.socket.send(frame);
  }

  close(): void {
    this.socket.close(1000);
    this.closed(); // without waiting for the server, which may be gone
  }

  closed(): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose();
  }
}

/** As openWebSocket. `hashes` are of the certificates to accept, base64 of SHA-256; empty: a CA's. */
export async function openWebTransport(env: Env, hashes: readonly string[], signal: AbortSignal): Promise<Pipe> {
  if (!env.webTransport) throw new Error("no WebTransport");
  const options: QuicOptions = hashes.length > 0 ? { serverCertificateHashes: hashes.map(certificateHash) } : {};
  const quic = env.webTransport(`${env.origin}/wt`, options);
  quic.closed.catch(() => {}); // whoever reads the stream hears of it
  signal.addEventListener("abort", () => closeQuietly(quic), { once: true });
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("given up")), { once: true });
  });
  try {
    await Promise.race([quic.ready, aborted]);
    const stream = await Promise.race([quic.createBidirectionalStream(), aborted]);
    return new QuicPipe(quic, stream.readable.getReader(), stream.writable.getWriter());
  } catch (error) {
    closeQuietly(quic);
    throw error;
  }
}

function certificateHash(base64: string): { algorithm: "sha-256"; value: Uint8Array<ArrayBuffer> } {
  return { algorithm: "sha-256", value: Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)) };
}

function closeQuietly(quic: Quic): void {
  try {
    quic.close();
  } catch {
    // Chromium throws when it was not yet connected.
  }
}

class QuicPipe implements Pipe {
  readonly name = "webtransport";
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: () => void = () => {};
  #open = true;

  constructor(
    private readonly quic: Quic,
    private readonly reader: ReadableStreamDefaultReader<Uint8Array>,
    private readonly writer: WritableStreamDefaultWriter<Uint8Array>,
  ) {
    void this.#read();
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    // Not awaited: the stream queues in order, and what may be under way is bounded above.
    if (this.#open) this.writer.write(packFrame(frame)).catch(() => this.close());
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeQuietly(this.quic);
    this.onClose();
  }

  async #read(): Promise<void> {
    const frames = new FrameReader();
    try {
      for (;;) {
        const { value, done } = await this.reader.read();
        if (done) break;
        for (const frame of frames.push(value)) if (this.#open) this.onFrame(frame);
      }
    } catch {
      // Broken stream or a frame too long: either way this connection is over.
    }
    this.close();
  }
}
