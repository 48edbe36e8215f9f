/** Whom the user does not want to hear: single users, and whole nodes. */
export class Blocks {
  #users: ReadonlySet<string> = new Set();
  #nodes: ReadonlySet<string> = new Set();

  constructor(private readonly changed: () => void) {}

  get users(): ReadonlySet<string> {
    return this.#users;
  }

  get nodes(): ReadonlySet<string> {
    return this.#nodes;
  }

  has(user: string): boolean {
    return this.#users.has(user) || this.#nodes.has(user.slice(user.indexOf("@") + 1));
  }

  replace(users: readonly string[], nodes: readonly string[]): void {
    if (same(this.#users, users) && same(this.#nodes, nodes)) return;
    this.#users = new Set(users);
    this.#nodes = new Set(nodes);
    this.changed();
  }

  /** What a command of ours has just done: `user` or `node` is empty. */
  set(user: string, node: string, on: boolean): void {
    this.replace(changedBy(this.#users, user, on), changedBy(this.#nodes, node, on));
  }

  clear(): void {
    this.replace([], []);
  }
}

function changedBy(names: ReadonlySet<string>, name: string, on: boolean): string[] {
  const others = [...names].filter((other) => other !== name);
  return name && on ? [...others, name] : others;
}

function same(a: ReadonlySet<string>, b: readonly string[]): boolean {
  return a.size === b.length && b.every((name) => a.has(name));
}
