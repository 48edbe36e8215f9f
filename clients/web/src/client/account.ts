import type { LoginResponse } from "../gen/client_pb";
import type { Storage } from "./env";

const KEY = "hearth.account";

/** Who is signed in on this device, and the token that proves it. */
export interface Account {
  readonly token: string;
  readonly user: string;
  readonly device: string;
  readonly admin: boolean;
}

/** The stored account; other tabs see each change by a storage event for `key`. */
export class AccountStore {
  readonly key = KEY;

  constructor(private readonly storage: Storage) {}

  load(): Account | null {
    try {
      const { token, user, device, admin } = JSON.parse(this.storage.getItem(KEY) ?? "null") as Account;
      if (typeof token !== "string" || typeof user !== "string" || !token || !user) return null;
      return { token, user, device: String(device), admin: admin === true };
    } catch {
      return null;
    }
  }

  save({ token, user, device, admin }: LoginResponse): Account {
    const account = { token, user, device, admin };
    this.storage.setItem(KEY, JSON.stringify(account));
    return account;
  }

  clear(): void {
    this.storage.removeItem(KEY);
  }
}
