// What the client needs of the world, so that tests can give it another one.
// Time is not here: tests fake the global timers and Date.

/** The part of a browser's WebSocket that is used. */
export interface Socket {
  binaryType: string;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
}

/** The part of a browser's WebTransport that is used. */
export interface Quic {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<unknown>;
  createBidirectionalStream(): Promise<{
    readonly readable: ReadableStream<Uint8Array>;
    readonly writable: WritableStream<Uint8Array>;
  }>;
  close(): void;
}

export interface QuicOptions {
  serverCertificateHashes?: { algorithm: "sha-256"; value: Uint8Array<ArrayBuffer> }[];
}

/** localStorage, or something like it. */
export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  keys(): string[];
}

/** Navigator.locks, as far as it is used. */
export interface Locks {
  request<T>(name: string, options: { ifAvailable?: boolean }, held: (lock: unknown) => Promise<T>): Promise<T>;
}

export interface Env {
  /** Of the page and the node: "https://host:port". */
  readonly origin: string;
  /** What the list of devices shows, such as "Firefox on Linux". */
  readonly deviceName: string;
  readonly storage: Storage;
  readonly locks: Locks | null;
  /** Whether there is an IndexedDB (`globalThis.indexedDB`). */
  readonly indexedDB: boolean;
  fetch(url: string, init: RequestInit): Promise<Response>;
  webSocket(url: string, protocol: string): Socket;
  /** null: this browser has none. */
  readonly webTransport: ((url: string, options: QuicOptions) => Quic) | null;
  random(): number; // [0, 1)
  /** 22 to 64 random characters that nobody can guess. */
  id(): string;
  /** Calls `listener` when the network came back or the page was brought to the front. */
  onWake(listener: () => void): void;
  /** Calls `listener` when another tab changed `key` of the storage; null: all of it. */
  onStorage(listener: (key: string | null) => void): void;
  /** A POST that tells how far it is, from 0 to 1. */
  upload(url: string, headers: Record<string, string>, body: Blob, progress: (part: number) => void, signal: AbortSignal): Promise<{ ok: boolean; body: Uint8Array }>;
  objectUrl(blob: Blob): string;
  revokeObjectUrl(url: string): void;
}

/** Today's browser. */
export function browserEnv(): Env {
  const { WebTransport } = globalThis as { WebTransport?: new (url: string, options: QuicOptions) => Quic };
  return {
    origin: location.origin,
    deviceName: deviceName(navigator.userAgent),
    storage: browserStorage(),
    locks: (navigator.locks as Locks | undefined) ?? null,
    indexedDB: "indexedDB" in globalThis,
    fetch: (url, init) => fetch(url, init),
    webSocket: (url, protocol) => new WebSocket(url, protocol) as Socket,
    webTransport: WebTransport ? (url, options) => new WebTransport(url, options) : null,
    random: Math.random,
    id: randomId,
    onWake(listener) {
      addEventListener("online", listener);
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible") listener();
      });
    },
    onStorage(listener) {
      addEventListener("storage", (event) => {
        if (event.storageArea === localStorage) listener(event.key);
      });
    },
    upload: uploadByXhr,
    objectUrl: (blob) => URL.createObjectURL(blob),
    revokeObjectUrl: (url) => URL.revokeObjectURL(url),
  };
}

/** fetch() does not tell how much of a body has gone. */
function uploadByXhr(url: string, headers: Record<string, string>, body: Blob, progress: (part: number) => void, signal: AbortSignal): Promise<{ ok: boolean; body: Uint8Array }> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.responseType = "arraybuffer";
    xhr.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total);
    xhr.onload = () => resolve({ ok: xhr.status === 200, body: new Uint8Array((xhr.response as ArrayBuffer | null) ?? new ArrayBuffer(0)) });
    xhr.onerror = xhr.onabort = () => reject(new Error("the upload broke off"));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(body);
  });
}

/** 128 random bits in base64url; crypto.randomUUID is missing where the page is not a secure context. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** localStorage; where it is forbidden or full, memory, so that the page works until it is closed. */
function browserStorage(): Storage {
  const memory = new Map<string, string>();
  const attempt = <T>(use: () => T, otherwise: T): T => {
    try {
      return use();
    } catch {
      return otherwise;
    }
  };
  return {
    getItem: (key) => memory.get(key) ?? attempt(() => localStorage.getItem(key), null),
    setItem(key, value) {
      const stored = attempt(() => (localStorage.setItem(key, value), true), false);
      if (stored) memory.delete(key);
      else memory.set(key, value);
    },
    removeItem(key) {
      memory.delete(key);
      attempt(() => localStorage.removeItem(key), undefined);
    },
    keys: () => [...new Set([...memory.keys(), ...attempt(() => Object.keys(localStorage), [])])],
  };
}

const browsers: readonly (readonly [RegExp, string])[] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrom(e|ium)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** "Chrome on Linux": enough to tell one's devices apart. */
export function deviceName(userAgent: string): string {
  const find = (table: typeof browsers) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
  return [find(browsers) ?? "Browser", find(systems)].filter(Boolean).join(" on ");
}
