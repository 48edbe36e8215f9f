// Files on their way to a message: uploaded at once, so that sending waits for nothing.
import { createSignal, onCleanup, type Accessor } from "solid-js";
import type { Attachment } from "../../client/api";
import { t } from "../../i18n";
import { errorText } from "../errors";
import { useChat } from "../state";

const MAX_FILES = 10; // room.MaxFiles

export interface Upload {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly part: number; // 0 to 1
  readonly error: string;
  readonly done: Attachment | null;
}

export interface Attachments {
  list: Accessor<readonly Upload[]>;
  error: Accessor<string>;
  add: (files: Iterable<File>) => void;
  remove: (id: number) => void;
  /** What a message takes along; the list is empty after it. */
  take: () => Attachment[];
  ready: Accessor<boolean>; // nothing is on its way, or failed
}

export function createAttachments(): Attachments {
  const { client } = useChat();
  const [list, setList] = createSignal<readonly Upload[]>([]);
  const [error, setError] = createSignal("");
  const ends = new Map<number, AbortController>();
  let last = 0;

  const change = (id: number, fields: Partial<Upload>) => setList((all) => all.map((u) => (u.id === id ? { ...u, ...fields } : u)));
  const upload = async (file: File) => {
    const id = ++last;
    const end = new AbortController();
    ends.set(id, end);
    setList((all) => [...all, { id, name: file.name, size: file.size, part: 0, error: "", done: null }]);
    try {
      change(id, { done: await client.attach(file, (part) => change(id, { part }), end.signal) });
    } catch (e) {
      change(id, { error: errorText(e) });
    } finally {
      ends.delete(id);
    }
  };
  const remove = (id: number) => {
    ends.get(id)?.abort();
    setError("");
    setList((all) => all.filter((u) => u.id !== id));
  };
  onCleanup(() => ends.forEach((end) => end.abort()));

  return {
    list,
    error,
    add: (files) => {
      setError("");
      for (const file of files) {
        if (list().length >= MAX_FILES) return void setError(t().files.tooMany(MAX_FILES));
        void upload(file);
      }
    },
    remove,
    take: () => {
      const taken = list().flatMap((u) => u.done ?? []);
      setList([]);
      return taken;
    },
    ready: () => list().every((u) => u.done !== null),
  };
}
