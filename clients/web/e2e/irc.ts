// A real IRC server from Debian, and people on it with plain clients.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./node.ts";
import { patience, until } from "./until.ts";

const modules = "cap ircv3 ircv3_batch ircv3_ctctags ircv3_echomessage ircv3_labeledresponse ircv3_msgid ircv3_servertime botmode namesx".split(" ");

export class IrcServer {
  #process: ChildProcess | undefined;

  private constructor(
    readonly dir: string,
    readonly port: number,
  ) {}

  static async start(): Promise<IrcServer> {
    const server = new IrcServer(await mkdtemp(join(tmpdir(), "hearth-irc-")), await freePort());
    // InspIRCd, for it has message tags: people on it can react.
    const { dir, port } = server;
    await writeFile(
      join(dir, "inspircd.conf"),
      `<path configdir="${dir}" datadir="${dir}" logdir="${dir}" runtimedir="${dir}">
<server name="irc.test.example" description="test" network="TestNet" id="1AA">
<admin name="test" nick="test" email="test@test.example">
<bind address="127.0.0.1" port="${port}" type="clients">
<connect name="main" allow="*" timeout="60" fakelag="no" localmax="100" globalmax="100" useident="no" resolvehostnames="no">
<log method="file" type="*" level="default" target="${dir}/ircd.log">
${modules.map((name) => `<module name="${name}">`).join("\n")}
`,
    );
    await server.resume();
    return server;
  }

  /** Starts it, or starts it again after stop(). */
  async resume(): Promise<void> {
    const root = process.getuid?.() === 0 ? ["--runasroot"] : [];
    this.#process = spawn("/usr/sbin/inspircd", ["--nofork", "--nopid", `--config=${join(this.dir, "inspircd.conf")}`, ...root], { stdio: "ignore" });
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

/** A way to the server on which whatever has this text was said at `time`, as when servers were parted since then. */
export async function detour(port: number, text: string, time: string): Promise<Server> {
  const way = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    near.pipe(far);
    const lines = createInterface({ input: far }).on("line", (line) => near.write((line.includes(text) ? line.replace(/time=[^; ]+/, `time=${time}`) : line) + "\r\n"));
    for (const [one, other] of [[near, far], [far, near]] as const) one.on("error", () => {}).on("close", () => other.destroy());
    lines.on("error", () => {}); // those of its input come out there as well: the server may be away
  });
  await new Promise<void>((done) => way.listen(0, "127.0.0.1", done));
  return way;
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
    person.say("CAP REQ :message-tags");
    person.say("CAP END");
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
  async hears(text: string, timeout = patience): Promise<string> {
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
