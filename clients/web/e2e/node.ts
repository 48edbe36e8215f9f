// A real node of its own: the binary, on a free port, with a fresh data folder.
import { spawn, execFile, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { nodes } from "./evidence.ts";

export const binary = process.env["HEARTH_BIN"] ?? resolve(import.meta.dirname, "../../../bin/hearth");
const run = promisify(execFile);

/** Long enough for the node's rules, and nothing like any user name of the tests. */
export const password = "correct horse battery staple";

export class Node {
  url = "";
  /** What it printed until it was ready. */
  banner: string[] = [];
  log = "";
  #process: ChildProcess | undefined;

  private constructor(
    readonly dir: string,
    private readonly args: string[],
  ) {}

  /** Starts a node; `args` are further flags of `hearth serve`. */
  static async start(...args: string[]): Promise<Node> {
    return Node.at(`127.0.0.1:${await freePort()}`, ...args);
  }

  /** Starts one that listens there. */
  static async at(listen: string, ...args: string[]): Promise<Node> {
    const node = new Node(await mkdtemp(join(tmpdir(), "hearth-e2e-")), args);
    nodes.add(node);
    await writeFile(join(node.dir, "pw"), password + "\n");
    await node.#launch(listen);
    return node;
  }

  /** Starts a node that others find by its name, which is where it listens. */
  static async named(): Promise<Node> {
    const at = `localhost:${await freePort()}`;
    return Node.at(at, "--name", at);
  }

  async #launch(listen: string): Promise<void> {
    const child = spawn(
      binary,
      ["serve", "--data", join(this.dir, "data"), "--listen", listen, "--send-rate", "0", ...this.args],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#process = child;
    this.banner = [];
    child.stderr.on("data", (chunk: Buffer) => (this.log += chunk.toString()));
    for await (const line of createInterface({ input: child.stdout })) {
      this.banner.push(line);
      if (line.startsWith("ready ")) {
        this.url = line.slice("ready ".length);
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`the node ended before it was ready:\n${this.log}`);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The node's name, the part of addresses behind the @. */
  get name(): string {
    const first = this.banner[0] ?? "";
    return /^Hearth node ([^,]+),/.exec(first)?.[1] ?? "";
  }

  /** The one-time link that makes the first administrator. */
  get adminLink(): string {
    const line = this.banner.find((text) => text.includes("/#/invite/"));
    if (line === undefined) throw new Error("the node has an administrator already");
    return line.trim();
  }

  /** Gives a command line; its lines of JSON come back. */
  async hearth(...args: string[]): Promise<Record<string, unknown>[]> {
    const { stdout } = await run(binary, [...args, "--json"], { cwd: this.dir, maxBuffer: 64 << 20 });
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** A link by which somebody can make an account. */
  async invite(): Promise<string> {
    const [made] = await this.hearth("invite", "--data", "data");
    return String(made?.["link"]);
  }

  /** A link by which another node can join this one's federation. */
  async nodeInvite(): Promise<string> {
    const [made] = await this.hearth("invite", "--node", "--data", "data");
    return String(made?.["link"]);
  }

  /** Joins another node's federation by its link. */
  async join(link: string): Promise<void> {
    await this.hearth("join", link, "--data", "data");
  }

  /** Makes an account (the page is told nothing of it). */
  async addUser(name: string, ...flags: string[]): Promise<void> {
    await this.hearth("user", "add", name, "--data", "data", "--password-file", "pw", ...flags);
  }

  /** Logs a user in for the command line: use the profile NAME.json with hearth(). */
  async login(name: string): Promise<string> {
    const profile = `${name}.json`;
    await this.hearth("login", this.url, "--user", name, "--password-file", "pw", "--profile", profile);
    return profile;
  }

  /** As a power switch does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Holds the node still, as a machine that is out of breath does, until goOn(). */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process?.kill("SIGCONT");
  }

  /** On the same port, with the same data. */
  async restart(): Promise<void> {
    await this.#launch(new URL(this.url).host);
  }

  /** SIGTERM, and everything it left is removed. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    nodes.delete(this);
    await rm(this.dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }
}

/**
 * A number that nobody has, for TCP and UDP. It is below those that the system gives to the near ends of
 * connections (32768 and up): one of them could be somebody else's when a node comes back on its port.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (!taken.has(port) && (await isFree(port))) {
      taken.add(port);
      return port;
    }
  }
}

const taken = new Set<number>();

async function isFree(port: number): Promise<boolean> {
  const [tcp, udp] = [createServer(), createSocket("udp4")];
  try {
    await new Promise<void>((done, failed) => tcp.once("error", failed).listen(port, "127.0.0.1", done));
    await new Promise<void>((done, failed) => udp.once("error", failed).bind(port, "127.0.0.1", done));
    return true;
  } catch {
    return false;
  } finally {
    await new Promise<void>((done) => tcp.close(() => done()));
    await new Promise<void>((done) => udp.close(done));
  }
}
