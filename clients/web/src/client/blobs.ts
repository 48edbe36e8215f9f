import { CommandError, type Attachment } from "./api";
import type { Env } from "./env";
import { refusal, unreachable, within } from "./rpc";

const UPLOAD_MS = 120_000;
const FETCH_MS = 30_000;
const SAVE_MS = 300_000;
const MAX_URLS = 300;
const RETRY_MS = 30_000;
/** Only what an <img> shows and no browser runs: an object URL has the page's own origin. */
const pictures = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"]);

/** Uploads, and pictures fetched with the token and kept as object URLs. */
export class Blobs {
  readonly #urls = new Map<string, string>(); // least recently used first
  readonly #asked = new Map<string, number>(); // id -> when to ask again at the earliest

  constructor(
    private readonly env: Env,
    private readonly token: () => string,
    private readonly changed: () => void,
  ) {}

  async upload(file: Blob): Promise<string> {
    const response = await within(UPLOAD_MS, async (signal) => {
      const headers = { ...this.#authorization(), "Content-Type": file.type || "application/octet-stream" };
      const answer = await this.env.fetch(`${this.env.origin}/blob`, { method: "POST", headers, body: file, signal });
      return { ok: answer.ok, body: new Uint8Array(await answer.arrayBuffer()) };
    });
    if (!response.ok) throw refusal(response.body);
    const { id } = JSON.parse(new TextDecoder().decode(response.body)) as { id?: unknown };
    if (typeof id !== "string") throw new CommandError("internal", "The server did not say where the file is.", true, 0);
    return id;
  }

  async attach(file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Attachment> {
    const url = `${this.env.origin}/file?name=${encodeURIComponent(file.name)}`;
    const answer = await this.env.upload(url, this.#authorization(), file, progress, signal).catch(() => {
      throw unreachable();
    });
    if (!answer.ok) throw refusal(answer.body);
    return JSON.parse(new TextDecoder().decode(answer.body)) as Attachment;
  }

  async file(id: string): Promise<Blob> {
    const answer = await within(SAVE_MS, async (signal) => {
      const response = await this.env.fetch(`${this.env.origin}/blob/${encodeURIComponent(id)}`, { headers: this.#authorization(), signal });
      return { ok: response.ok, blob: await response.blob() };
    });
    if (!answer.ok) throw refusal(new Uint8Array(await answer.blob.arrayBuffer()));
    return answer.blob;
  }

  url(id: string): string | undefined {
    if (!id) return undefined;
    const url = this.#urls.get(id);
    if (url === undefined) {
      if ((this.#asked.get(id) ?? 0) <= Date.now()) void this.#fetch(id);
      return undefined;
    }
    this.#urls.delete(id);
    this.#urls.set(id, url);
    return url;
  }

  clear(): void {
    for (const url of this.#urls.values()) this.env.revokeObjectUrl(url);
    this.#urls.clear();
    this.#asked.clear();
  }

  async #fetch(id: string): Promise<void> {
    if (this.#asked.size > 10 * MAX_URLS) this.#asked.clear();
    this.#asked.set(id, Infinity);
    const token = this.token();
    const url = `${this.env.origin}/blob/${encodeURIComponent(id)}`;
    try {
      const blob = await within(FETCH_MS, async (signal) => {
        const response = await this.env.fetch(url, { headers: this.#authorization(), signal });
        if (!response.ok) throw unreachable();
        return response.blob();
      });
      if (token !== this.token()) return;
      const type = blob.type.split(";")[0]!.trim().toLowerCase();
      if (!pictures.has(type)) return; // and never ask again
      this.#keep(id, this.env.objectUrl(new Blob([blob], { type })));
    } catch {
      this.#asked.set(id, Date.now() + RETRY_MS);
    }
  }

  #keep(id: string, url: string): void {
    this.#urls.set(id, url);
    this.#asked.delete(id);
    for (const [oldest, oldUrl] of this.#urls) {
      if (this.#urls.size <= MAX_URLS) break;
      this.#urls.delete(oldest);
      this.env.revokeObjectUrl(oldUrl);
    }
    this.changed();
  }

  #authorization(): Record<string, string> {
    return { Authorization: `Bearer ${this.token()}` };
  }
}
