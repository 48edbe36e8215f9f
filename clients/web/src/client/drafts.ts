import type { Storage } from "./env";

const PREFIX = "hearth.draft.";
const MAX_DRAFTS = 200;

/** What was typed and not sent, per user, room and thread, in localStorage. */
export class Drafts {
  constructor(private readonly storage: Storage) {}

  get(user: string, room: string, thread: string): string {
    const stored = this.storage.getItem(key(user, room, thread));
    return stored === null ? "" : stored.slice(stored.indexOf(" ") + 1);
  }

  /** An empty text removes the draft. */
  set(user: string, room: string, thread: string, text: string): void {
    const name = key(user, room, thread);
    if (text === "") return this.storage.removeItem(name);
    if (this.storage.getItem(name) === null) this.#makeRoom();
    this.storage.setItem(name, `${Date.now()} ${text}`);
  }

  clear(user: string): void {
    for (const name of this.storage.keys()) if (name.startsWith(`${PREFIX}${user} `)) this.storage.removeItem(name);
  }

  /** Forgets the drafts that were touched longest ago. */
  #makeRoom(): void {
    const drafts = this.storage.keys().filter((name) => name.startsWith(PREFIX));
    if (drafts.length < MAX_DRAFTS) return;
    const touched = (name: string) => Number.parseInt(this.storage.getItem(name) ?? "0", 10);
    drafts.sort((a, b) => touched(a) - touched(b));
    for (const name of drafts.slice(0, drafts.length - MAX_DRAFTS + 1)) this.storage.removeItem(name);
  }
}

function key(user: string, room: string, thread: string): string {
  return `${PREFIX}${user} ${room} ${thread}`;
}
