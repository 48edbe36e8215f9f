import type { Profile } from "../gen/room_pb";

const MAX_PROFILES = 10_000;
const BATCH = 200; // users in one Profiles request
const GATHER_MS = 20; // a page of history asks for many at once
const UNKNOWN_MS = 60_000; // before a user the node did not know is asked for again

/** The profiles of people, as far as they were needed; the unknown ones are fetched in the background. */
export class Profiles {
  readonly #known = new Map<string, Profile>();
  readonly #asked = new Map<string, number>(); // user -> when to ask again at the earliest
  #wanted = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly fetch: (users: string[]) => Promise<readonly Profile[]>,
    private readonly changed: () => void,
  ) {}

  get(user: string): Profile | undefined {
    const profile = this.#known.get(user);
    if (!profile && user) this.#want(user);
    return profile;
  }

  put(profiles: readonly (Profile | undefined)[]): void {
    let news = false;
    for (const profile of profiles) {
      if (!profile?.user || same(this.#known.get(profile.user), profile)) continue;
      this.#known.set(profile.user, profile);
      news = true;
    }
    for (const user of this.#known.keys()) {
      if (this.#known.size <= MAX_PROFILES) break;
      this.#known.delete(user);
    }
    if (news) this.changed();
  }

  /** The connection is back: what could not be asked may be asked now. */
  retry(): void {
    this.#asked.clear();
  }

  clear(): void {
    this.#known.clear();
    this.#asked.clear();
    this.#wanted.clear();
  }

  #want(user: string): void {
    if ((this.#asked.get(user) ?? 0) > Date.now()) return;
    if (this.#asked.size >= MAX_PROFILES) this.#asked.clear();
    this.#asked.set(user, Date.now() + UNKNOWN_MS);
    this.#wanted.add(user);
    this.#timer ??= setTimeout(() => void this.#ask(), GATHER_MS);
  }

  async #ask(): Promise<void> {
    this.#timer = undefined;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (let i = 0; i < wanted.length; i += BATCH) {
      try {
        this.put(await this.fetch(wanted.slice(i, i + BATCH)));
      } catch {
        return; // asked again when it is shown again
      }
    }
  }
}

function same(a: Profile | undefined, b: Profile): boolean {
  return (
    a !== undefined && a.displayName === b.displayName && a.status === b.status && a.avatar === b.avatar && a.disabled === b.disabled
  );
}
