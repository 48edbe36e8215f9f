// A real IRC server from Debian, and people on it with plain clients.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./node.ts";
import { until } from "./until.ts";

export class IrcServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly dir: string,
    readonly port: number,
  ) {}

  static async start(): Promise<IrcServer> {
    const server = new IrcServer(await mkdtemp(join(tmpdir(), "hearth-irc-")), await freePort());
    await writeFile(
      join(server.dir, "ngircd.conf"),
      `[Global]
Name = irc.test
Info = test
Listen = 127.0.0.1
Ports = ${server.port}
ServerUID = 65534
ServerGID = 65534
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 20
[Options]
DNS = no
Ident = no
PAM = no
`,
    );
    await server.resume();
    return server;
  }

  /** Starts it, or starts it again after stop(). */
  async resume(): Promise<void> {
    this.#process = spawn("/usr/sbin/ngircd", ["-n", "-f", join(this.dir, "ngircd.conf")], { stdio: "ignore" });
    await until(async () => {
      const socket = connect(this.port, "127.0.0.1");
      await new Promise<void>((done, failed) => socket.once("connect", done).once("error", failed));
      socket.destroy();
    });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await ended;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Somebody on IRC. */
export class IrcPerson {
  readonly lines: string[] = [];

  private constructor(
    readonly nick: string,
    private readonly socket: Socket,
  ) {
    createInterface({ input: socket }).on("line", (line) => {
      if (line.startsWith("PING")) this.say(line.replace("PING", "PONG"));
      this.lines.push(line);
    });
    socket.on("error", () => {});
  }

  static async on(server: IrcServer, nick: string, channel: string): Promise<IrcPerson> {
    const socket = connect(server.port, "127.0.0.1");
    await new Promise<void>((done, failed) => socket.once("connect", done).once("error", failed));
    const person = new IrcPerson(nick, socket);
    person.say(`NICK ${nick}`);
    person.say(`USER ${nick} 0 * :${nick}`);
    await person.hears(` 001 ${nick} `);
    person.say(`JOIN ${channel}`);
    await person.hears(` 366 ${nick} ${channel} `);
    return person;
  }

  say(line: string): void {
    this.socket.write(line + "\r\n");
  }

  /** Waits for a line with this text, among all there were. */
  async hears(text: string, timeout = 20_000): Promise<string> {
    return until(() => {
      const line = this.lines.find((l) => l.includes(text));
      if (line === undefined) throw new Error(`${this.nick} has not heard ${JSON.stringify(text)}; the last lines:\n${this.lines.slice(-8).join("\n")}`);
      return line;
    }, timeout);
  }

  leave(): void {
    this.socket.destroy();
  }
}
