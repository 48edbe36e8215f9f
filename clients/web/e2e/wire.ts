// The wire to a node, for its peers: UDP packets pass, until it is cut. Whoever is told
// its port instead of the node's goes through it.
import { createSocket, type Socket } from "node:dgram";

const HOST = "127.0.0.1";

export class Wire {
  whole = true;
  readonly #far = new Map<string, Socket>(); // by whose packets they are

  private constructor(
    readonly port: number,
    private readonly near: Socket,
    private readonly to: number,
  ) {}

  static async open(to: number): Promise<Wire> {
    const near = createSocket("udp4");
    await new Promise<void>((done) => near.bind(0, HOST, done));
    const wire = new Wire(near.address().port, near, to);
    near.on("message", (packet, from) => wire.#pass(packet, from.port));
    return wire;
  }

  #pass(packet: Buffer, from: number): void {
    if (!this.whole) return;
    let far = this.#far.get(String(from));
    if (!far) {
      far = createSocket("udp4");
      far.on("message", (answer) => this.whole && this.near.send(answer, from, HOST));
      far.on("error", () => {}); // nobody listens there just now
      this.#far.set(String(from), far);
    }
    far.send(packet, this.to, HOST);
  }

  close(): void {
    this.whole = false;
    this.near.close();
    for (const far of this.#far.values()) far.close();
  }
}
