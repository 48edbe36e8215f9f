// Where messages wait that the node has not acknowledged: IndexedDB, or memory
// where a browser has none (then they do not survive a reload).
//
// Each tab has an outbox of its own, so that two tabs never send the same message.
// A tab that has gone leaves its outbox behind; another one claims it: under the
// tab's lock where the browser has locks, else when the lease it renewed has ended.
// Should both ever send, the idempotency key makes it one message all the same.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Attachment } from "./api";
import type { Env } from "./env";

export interface Stored {
  readonly key: string; // idempotency key
  readonly user: string;
  readonly outbox: string; // the tab it belongs to
  readonly room: string;
  readonly text: string;
  readonly files?: readonly Attachment[]; // absent in what earlier versions stored
  readonly emote: boolean;
  readonly replyTo: string;
  readonly thread: string;
  readonly time: number; // rises within an outbox: the order of sending
  readonly error: string; // refused for good; empty while it waits
}

export interface OutboxStore {
  put(message: Stored): Promise<void>;
  delete(key: string): Promise<void>;
  clear(user: string): Promise<void>;
  /**
   * Takes over what tabs that have gone left behind of the user's, oldest first;
   * `own`: and reads what this tab itself left when the user signed out.
   */
  claim(user: string, own: boolean): Promise<Stored[]>;
}

interface Schema extends DBSchema {
  messages: { key: string; value: Stored };
  leases: { key: string; value: { outbox: string; until: number } };
}

const LEASE_MS = 15_000;
const RENEW_MS = 5_000;

const OPEN_MS = 3_000; // some private windows never answer

/** Opens the store of this tab, whose outbox is `outbox`. */
export function openOutboxStore(env: Env, outbox: string): Promise<OutboxStore> {
  if (!env.indexedDB) return Promise.resolve(new MemoryStore());
  return new Promise((resolve) => {
    const withoutDisk = () => resolve(new MemoryStore());
    const timer = setTimeout(withoutDisk, OPEN_MS);
    openIndexed(env, outbox)
      .then(resolve, withoutDisk)
      .finally(() => clearTimeout(timer));
  });
}

async function openIndexed(env: Env, outbox: string): Promise<OutboxStore> {
  const db = await openDB<Schema>("hearth", 1, {
    upgrade(fresh) {
      fresh.createObjectStore("messages", { keyPath: "key" });
      fresh.createObjectStore("leases", { keyPath: "outbox" });
    },
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  const store = new IndexedStore(env, db, outbox);
  await store.hold();
  return store;
}

class MemoryStore implements OutboxStore {
  async put(): Promise<void> {}
  async delete(): Promise<void> {}
  async clear(): Promise<void> {}
  async claim(): Promise<Stored[]> {
    return [];
  }
}

class IndexedStore implements OutboxStore {
  constructor(
    private readonly env: Env,
    private readonly db: IDBPDatabase<Schema>,
    private readonly outbox: string,
  ) {}

  /** Marks the outbox as having a tab, for as long as this tab lives. */
  async hold(): Promise<void> {
    const { locks } = this.env;
    if (!locks) {
      await this.#renew();
      setInterval(() => void this.#renew().catch(() => {}), RENEW_MS);
      return;
    }
    await new Promise<void>((held, failed) => {
      const forever = () => (held(), new Promise<never>(() => {}));
      locks.request(lockName(this.outbox), {}, forever).catch(failed);
    });
  }

  async put(message: Stored): Promise<void> {
    await this.db.put("messages", message);
  }

  async delete(key: string): Promise<void> {
    await this.db.delete("messages", key);
  }

  async clear(user: string): Promise<void> {
    const tx = this.db.transaction("messages", "readwrite");
    for (const message of await tx.store.getAll()) if (message.user === user) await tx.store.delete(message.key);
    await tx.done;
  }

  async claim(user: string, own: boolean): Promise<Stored[]> {
    const left = (await this.db.getAll("messages")).filter((m) => m.user === user);
    const claimed = own ? left.filter((m) => m.outbox === this.outbox) : [];
    const others = new Set(left.map((m) => m.outbox).filter((outbox) => outbox !== this.outbox));
    for (const outbox of others) claimed.push(...(await this.#claimFrom(outbox, user)));
    return claimed.sort((a, b) => a.time - b.time);
  }

  async #claimFrom(outbox: string, user: string): Promise<Stored[]> {
    const { locks } = this.env;
    if (!locks) return this.#adopt(outbox, user);
    return locks.request(lockName(outbox), { ifAvailable: true }, async (lock) => (lock ? this.#adopt(outbox, user) : []));
  }

  /** In one transaction, so that of two tabs only one gets each message. */
  async #adopt(outbox: string, user: string): Promise<Stored[]> {
    const tx = this.db.transaction(["messages", "leases"], "readwrite");
    const lease = await tx.objectStore("leases").get(outbox);
    if (lease && runs(lease.until)) return [];
    const messages = tx.objectStore("messages");
    const adopted: Stored[] = [];
    for (const message of await messages.getAll()) {
      if (message.outbox !== outbox || message.user !== user) continue;
      const mine = { ...message, outbox: this.outbox };
      await messages.put(mine);
      adopted.push(mine);
    }
    await tx.objectStore("leases").delete(outbox);
    await tx.done;
    return adopted;
  }

  async #renew(): Promise<void> {
    await this.db.put("leases", { outbox: this.outbox, until: Date.now() + LEASE_MS });
  }
}

/** A lease that ends later than any could was written by a clock that has since been set back. */
function runs(until: number): boolean {
  return until > Date.now() && until <= Date.now() + LEASE_MS;
}

function lockName(outbox: string): string {
  return `hearth.outbox.${outbox}`;
}
