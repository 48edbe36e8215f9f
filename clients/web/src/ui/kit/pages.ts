import { createEffect, createSignal, on, type Accessor } from "solid-js";
import { errorText } from "../errors";

export interface Pages<T> {
  items: Accessor<readonly T[]>;
  next: Accessor<string>; // empty at the end
  total: Accessor<number>;
  loading: Accessor<boolean>;
  error: Accessor<string>;
  more: () => void;
  again: () => void;
}

type Page<T> = { items: readonly T[]; next: string; total?: number };

/** A list that comes in pages; starts anew when `source` changes. */
export function createPages<S, T>(source: Accessor<S>, fetch: (source: S, after: string) => Promise<Page<T>>): Pages<T> {
  const [items, setItems] = createSignal<readonly T[]>([]);
  const [next, setNext] = createSignal("");
  const [total, setTotal] = createSignal(0);
  const [loading, setLoading] = createSignal(true);
  const [error, setError] = createSignal("");
  let latest = 0;

  const load = (after: string) => {
    const mine = ++latest;
    setLoading(true);
    setError("");
    fetch(source(), after)
      .then((page) => {
        if (mine !== latest) return;
        setItems((before) => (after ? [...before, ...page.items] : page.items));
        setNext(page.next);
        setTotal(page.total ?? 0);
      })
      .catch((e) => mine === latest && setError(errorText(e)))
      .finally(() => mine === latest && setLoading(false));
  };
  createEffect(on(source, () => load("")));
  return { items, next, total, loading, error, more: () => load(next()), again: () => load("") };
}
