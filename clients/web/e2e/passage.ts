// A passage to a node that lets TCP through and no UDP: it swallows it, or refuses it, as
// some firewalls do. Its connections can be cut at will.
import { createSocket, type Socket as UDPSocket } from "node:dgram";
import { connect, createServer, type Server, type Socket } from "node:net";

export class Passage {
  #connections = new Set<Socket>();

  private constructor(
    readonly port: number,
    private readonly tcp: Server,
    private readonly udp: UDPSocket,
  ) {}

  /** Opens a passage to a node's port: people go to its `url` instead of the node's. */
  static async open(to: number, udpIs: "swallowed" | "refused" = "swallowed"): Promise<Passage> {
    for (;;) {
      const tcp = createServer({ allowHalfOpen: true });
      await new Promise<void>((done) => tcp.listen(0, "127.0.0.1", done));
      const { port } = tcp.address() as { port: number };
      const udp = createSocket("udp4"); // bound, and never read from: packets vanish
      try {
        await new Promise<void>((done, fail) => udp.once("error", fail).bind(port, "127.0.0.1", done));
      } catch {
        tcp.close();
        continue; // somebody has that number for UDP
      }
      if (udpIs === "refused") udp.close(); // nobody listens: the system says so to whoever sends
      const passage = new Passage(port, tcp, udp);
      tcp.on("connection", (near) => passage.#join(near, to));
      return passage;
    }
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  #join(near: Socket, to: number): void {
    const far = connect(to, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]] as const) {
      this.#connections.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#connections.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  /** Cuts every connection there is; new ones come through. */
  cut(): void {
    for (const c of this.#connections) c.destroy();
  }

  close(): void {
    this.cut();
    this.tcp.close();
    try {
      this.udp.close();
    } catch {
      // closed from the beginning
    }
  }
}
