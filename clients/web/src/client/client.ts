// The client puts the parts together and is all that the views see of them (api.ts).
//
//   connector ── feed ──> rooms, timelines, presence, profiles     what the node says
//   commands, outbox, reading ──> connector                        what the user says
import { create } from "@bufbuild/protobuf";
import { Client as Protocol, type LoginResponse, type OpenResponse, type RoomNode } from "../gen/client_pb";
import { ProfileSchema, type Profile, type RoomSummary } from "../gen/room_pb";
import { AccountStore, type Account } from "./account";
import type { Attachment, Change, ChatClient, Commands, Connection, Me, Send, Timeline } from "./api";
import { Blobs } from "./blobs";
import { Blocks } from "./blocks";
import { Changes } from "./changes";
import { makeCommands } from "./commands";
import { Connector } from "./connector";
import { Dialer } from "./dial";
import { Drafts } from "./drafts";
import { browserEnv, type Env } from "./env";
import { Feed } from "./feed";
import { lessons } from "./lessons";
import { Nodes } from "./nodes";
import { Outbox } from "./outbox";
import { openOutboxStore } from "./outboxstore";
import { Presence, type Typist } from "./presence";
import { Profiles } from "./profiles";
import { Reading } from "./reading";
import { Refresher } from "./refresher";
import { Rooms } from "./rooms";
import { call } from "./rpc";
import { Timelines } from "./timelines";
import { Watcher } from "./watcher";

const NAME = "hearth-web 0.1.0";
const PROTOCOL = 1;
const MAX_BACKLOG = 500; // items per room; behind by more, paging is cheaper
const CLAIM_MS = 30_000; // how often to look for what a closed tab left unsent

/** Makes the page's one client. */
export function createClient(env: Env = browserEnv()): ChatClient {
  return new HearthClient(env);
}

class HearthClient implements ChatClient {
  readonly commands: Commands;
  #me: Me | null = null;
  #account: Account | null = null;
  #claims: ReturnType<typeof setInterval> | undefined;

  readonly #env: Env;
  readonly #accounts: AccountStore;
  readonly #changes = new Changes();
  readonly #rooms = new Rooms();
  readonly #presence = new Presence((kind, room) => this.#changes.emit(kind === "presence" ? { kind } : { kind, room }));
  readonly #blocks = new Blocks(() => this.#changes.emit({ kind: "blocks" }));
  readonly #nodes = new Nodes((room) => this.#changes.emit({ kind: "nodes", room }));
  readonly #profiles: Profiles;
  readonly #timelines: Timelines;
  readonly #outbox: Outbox;
  readonly #reading: Reading;
  readonly #refresher: Refresher;
  readonly #watcher: Watcher;
  readonly #drafts: Drafts;
  readonly #blobs: Blobs;
  readonly #feed: Feed;
  readonly #connector: Connector;

  constructor(env: Env) {
    this.#env = env;
    this.#accounts = new AccountStore(env.storage);
    this.#drafts = new Drafts(env.storage);
    const profilesChanged = () => this.#changes.emit({ kind: "profiles" });
    this.#blobs = new Blobs(env, () => this.#account?.token ?? "", profilesChanged);
    this.#profiles = new Profiles(async (users) => (await this.commands.profiles({ users })).profiles, profilesChanged);
    this.#timelines = new Timelines({
      history: (query) => this.commands.history(query),
      pending: (room, thread) => this.#outbox.pending(room, thread),
      user: () => this.#account?.user ?? "",
      shown: (room, page) => this.#outbox.shown(room, page.events),
      changed: (room, thread) => this.#changes.emit({ kind: "timeline", room, thread }),
    });
    const tab = env.id();
    this.#outbox = new Outbox(tab, () => env.id(), () => openOutboxStore(env, tab), {
      send: (request) => this.commands.send(request),
      cursor: (room) => this.#rooms.cursor(room),
      changed: (room) => this.#timelines.changed(room),
    });
    this.#reading = new Reading({
      read: (room, pos) => this.commands.read({ room, pos }),
      typing: (room, on) => this.commands.typing({ room, on }),
    });
    this.#refresher = new Refresher((room) => this.commands.roomGet({ room }));
    this.#watcher = new Watcher((rooms) => this.commands.watch({ rooms }), (room) => this.commands.receipts({ room }));
    this.#feed = new Feed({
      changes: this.#changes,
      rooms: this.#rooms,
      timelines: this.#timelines,
      outbox: this.#outbox,
      profiles: this.#profiles,
      presence: this.#presence,
      blocks: this.#blocks,
      nodes: this.#nodes,
      user: () => this.#account?.user ?? "",
      membershipChanged: () => this.#watch(),
      setProfile: (profile) => this.#setProfile(profile),
      refresh: (room) => this.#refresher.want(room),
    });
    this.#connector = new Connector(env, new Dialer(env), {
      hello: () => ({ protocol: PROTOCOL, client: NAME, cursors: this.#rooms.cursors(), maxBacklog: MAX_BACKLOG }),
      opened: (response) => this.#opened(response),
      frame: (frame) => this.#feed.frame(frame),
      changed: () => this.#connectionChanged(),
      refused: (reason) => this.#signedOut(reason, false),
    });
    this.commands = makeCommands({
      anonymous: (method, request) => call(env, "", method, request as Record<string, unknown>),
      session: (command, body) => this.#connector.request(command, body),
      newKey: () => env.id(),
      lessons: lessons({
        feed: this.#feed,
        rooms: this.#rooms,
        profiles: this.#profiles,
        presence: this.#presence,
        blocks: this.#blocks,
        nodes: this.#nodes,
        setProfile: (profile) => this.#setProfile(profile),
        roomsChanged: () => this.#changes.emit({ kind: "rooms" }),
      }),
    });
    env.onStorage((key) => {
      if (key === null || key === this.#accounts.key) this.#accountChangedElsewhere();
    });
  }

  // ── Connection and account ──

  get connection(): Connection {
    return this.#connector.state;
  }

  get me(): Me | null {
    return this.#me;
  }

  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  async start(): Promise<void> {
    const account = this.#accounts.load();
    if (account && !this.#account) await this.#signIn(account);
  }

  async login(username: string, password: string): Promise<void> {
    const request = { username, password, deviceName: this.#env.deviceName };
    await this.#accept(await this.commands.login(request));
  }

  async register(r: { username: string; password: string; invite: string; displayName: string }): Promise<void> {
    await this.#accept(await this.commands.register({ ...r, deviceName: this.#env.deviceName }));
  }

  /** Leaves nothing of the user on this device, whether or not the node can be told. */
  async logout(): Promise<void> {
    const account = this.#account;
    if (!account) return;
    this.#signedOut("", true);
    await call(this.#env, account.token, Protocol.method.logout, {}).catch(() => {});
  }

  reconnectNow(): void {
    this.#connector.reconnectNow();
  }

  // ── Rooms and people ──

  rooms(): readonly RoomSummary[] {
    return this.#rooms.list();
  }

  room(id: string): RoomSummary | undefined {
    return this.#rooms.get(id);
  }

  profile(user: string): Profile | undefined {
    return this.#profiles.get(user);
  }

  typing(room: string): readonly Typist[] {
    const all = this.#presence.typing(room);
    return all.some((who) => this.#blocks.has(who.author)) ? all.filter((who) => !this.#blocks.has(who.author)) : all;
  }

  online(user: string): boolean {
    return this.#presence.online(user);
  }

  receipts(room: string): ReadonlyMap<string, bigint> {
    return this.#presence.receipts(room);
  }

  get blocks(): ChatClient["blocks"] {
    return this.#blocks;
  }

  blocked(user: string): boolean {
    return this.#blocks.has(user);
  }

  nodes(room: string): readonly RoomNode[] {
    return this.#nodes.get(room);
  }

  // ── Timelines ──

  open(room: string): Timeline {
    const summary = this.#rooms.get(room);
    const timeline = this.#timelines.open(room, summary, !summary && this.connection.phase !== "online");
    this.#watch();
    return timeline.snapshot();
  }

  close(room: string): void {
    this.#timelines.close(room);
    this.#watch();
  }

  timeline(room: string, thread = ""): Timeline {
    return this.#timelines.get(room, thread).snapshot();
  }

  openThread(room: string, thread: string): Timeline {
    return this.#timelines.openThread(room, thread).snapshot();
  }

  loadOlder(room: string, thread = ""): Promise<void> {
    return this.#timelines.get(room, thread).older();
  }

  loadNewer(room: string, thread = ""): Promise<void> {
    return this.#timelines.get(room, thread).newer();
  }

  follow(room: string, end: boolean, thread = ""): void {
    this.#timelines.get(room, thread).follow(end);
  }

  async jumpTo(room: string, where: { event: string } | { date: number } | "newest"): Promise<void> {
    const timeline = this.#timelines.get(room);
    if (where === "newest") {
      if (!timeline.atHead) await timeline.jump({});
    } else if ("date" in where) {
      await timeline.jump({ date: BigInt(Math.round(where.date)) });
    } else if (!timeline.has(where.event)) {
      await timeline.jump({ around: where.event });
    }
  }

  // ── Writing and reading ──

  send(room: string, message: Send): void {
    if (message.text.trim() === "" && !message.files?.length) return;
    this.#outbox.add(room, message);
    this.#reading.sent(room);
  }

  retry(key: string): void {
    this.#outbox.retry(key);
  }

  discard(key: string): void {
    this.#outbox.discard(key);
  }

  setTyping(room: string, on: boolean): void {
    if (this.connection.phase === "online") this.#reading.typing(room, on);
  }

  markRead(room: string, pos: bigint): void {
    const summary = this.#rooms.get(room);
    if (!summary || pos <= summary.readPos) return;
    this.#rooms.readTo(room, pos);
    this.#reading.read(room, pos);
    this.#changes.emit({ kind: "rooms" });
  }

  draft(room: string, thread = ""): string {
    return this.#account ? this.#drafts.get(this.#account.user, room, thread) : "";
  }

  setDraft(room: string, text: string, thread = ""): void {
    if (this.#account) this.#drafts.set(this.#account.user, room, thread, text);
  }

  upload(file: Blob): Promise<string> {
    return this.#blobs.upload(file);
  }

  attach(file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Attachment> {
    return this.#blobs.attach(file, progress, signal);
  }

  file(blob: string): Promise<Blob> {
    return this.#blobs.file(blob);
  }

  blobUrl(id: string): string | undefined {
    return this.#blobs.url(id);
  }

  // ── Inside ──

  async #accept(response: LoginResponse): Promise<void> {
    if (this.#account) this.#signedOut("", false);
    await this.#signIn(this.#accounts.save(response));
  }

  async #signIn(account: Account): Promise<void> {
    this.#account = account;
    // Enough to show the page with, should the node be out of reach.
    const profile = create(ProfileSchema, { user: account.user });
    const node = account.user.slice(account.user.indexOf("@") + 1);
    this.#setMe({ user: account.user, device: account.device, admin: account.admin, node, profile });
    void this.#claim();
    this.#claims = setInterval(() => void this.#claim(), CLAIM_MS);
    await this.#connector.start(account.token);
  }

  async #claim(): Promise<void> {
    // A disk that fails must not stop the page; what lies there waits for better days.
    if (this.#account) await this.#outbox.start(this.#account.user).catch(() => {});
  }

  #watch(): void {
    this.#watcher.set(...this.#watchable());
  }

  /**
   * The rooms that are open, and those of two people: the list of rooms shows who of them is here.
   * The node refuses to watch anything if one of the rooms is not the user's.
   */
  #watchable(): [open: readonly string[], direct: readonly string[]] {
    const direct = this.rooms().filter((room) => room.direct && room.membership === "join");
    return [this.#timelines.openRooms.filter((room) => this.#rooms.get(room)?.membership === "join"), direct.map((room) => room.room)];
  }

  #opened(response: OpenResponse): void {
    const { user, device, admin, node } = response;
    this.#setMe({ user, device, admin, node, profile: response.profile ?? create(ProfileSchema, { user }) });
    this.#feed.opened(response);
    this.#reading.retry();
    this.commands.blocks({}).catch(() => {}); // the next session asks again
    this.#watcher.restart(...this.#watchable());
  }

  #connectionChanged(): void {
    const online = this.connection.phase === "online";
    this.#outbox.setOnline(online);
    if (!online) this.#presence.reset();
    this.#changes.emit({ kind: "connection" });
  }

  #setMe(me: Me | null): void {
    this.#me = me;
    this.#changes.emit({ kind: "me" });
  }

  #setProfile(profile: Profile): void {
    this.#profiles.put([profile]);
    if (this.#me?.user === profile.user) this.#setMe({ ...this.#me, profile });
  }

  #accountChangedElsewhere(): void {
    const account = this.#accounts.load();
    if (account?.token === this.#account?.token) return;
    if (this.#account) this.#forget("You have signed out in another tab.", false);
    if (account) void this.#signIn(account);
  }

  /** `erase`: the user asked for it, so what they typed goes too. */
  #signedOut(reason: string, erase: boolean): void {
    if (erase && this.#account) this.#drafts.clear(this.#account.user);
    this.#accounts.clear();
    this.#forget(reason, erase);
  }

  #forget(reason: string, erase: boolean): void {
    this.#account = null;
    clearInterval(this.#claims);
    void this.#outbox.stop(erase).catch(() => {});
    if (this.connection.phase !== "signed-out") this.#connector.stop(reason);
    this.#rooms.clear();
    this.#timelines.clear();
    this.#profiles.clear();
    this.#presence.clear();
    this.#blobs.clear();
    this.#blocks.clear();
    this.#nodes.clear();
    this.#reading.clear();
    this.#refresher.clear();
    this.#watcher.clear();
    this.#setMe(null);
    this.#changes.emit({ kind: "rooms" });
  }
}
