// The node's HTTP API, for what a test needs to be so but does not watch: it is quicker
// than the page.
import { Agent, request } from "node:https";
import { password } from "./node.ts";

export class Api {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false });
  #keys = 0;

  private constructor(
    private readonly url: string,
    public token: string,
    public user: string,
  ) {}

  static async login(url: string, username: string): Promise<Api> {
    const api = new Api(url, "", "");
    const { token, user } = await api.do("Login", { username, password, device_name: "script" });
    api.token = token;
    api.user = user;
    return api;
  }

  /** Gives a command by its name in client.proto; rejects with the node's code and sentence. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are looked at, not kept
  do(command: string, body: object): Promise<any> {
    return this.#post(`/hearth.client.v1.Client/${command}`, "application/json", JSON.stringify(body));
  }

  /** Sends a message; the event's id. */
  async send(room: string, text: string, more: object = {}): Promise<string> {
    return (await this.do("Send", { room, text, key: this.key(), ...more })).event;
  }

  /** Uploads a picture; the blob's id. */
  async upload(picture: Buffer, type: string): Promise<string> {
    const answer = await this.#post("/blob", type, picture);
    return String(answer["id"] ?? answer["blob"]);
  }

  key(): string {
    return `e2e-${process.pid}-${Date.now()}-${this.#keys++}`;
  }

  #post(path: string, type: string, body: string | Buffer): Promise<Record<string, string>> {
    const headers = { "content-type": type, "content-length": Buffer.byteLength(body), ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) };
    return new Promise((done, fail) => {
      const asked = request(this.url + path, { method: "POST", agent: this.#agent, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("error", fail).on("end", () => {
          if (answer.statusCode === 200) done(JSON.parse(text || "{}") as Record<string, string>);
          else fail(new Error(`${path}: ${answer.statusCode} ${text}`));
        });
      });
      asked.on("error", fail).end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
