import { createEffect, createSignal, on, type Accessor } from "solid-js";
import { errorText } from "../errors";

export interface Load<T> {
  value: Accessor<T | undefined>;
  error: Accessor<string>;
  loading: Accessor<boolean>;
  again: () => void;
}

/** Fetches when `source` changes and keeps the last value meanwhile; a late answer never replaces a newer one. */
export function createLoad<S, T>(source: Accessor<S>, fetch: (source: S) => Promise<T>): Load<T> {
  const [value, setValue] = createSignal<T>();
  const [error, setError] = createSignal("");
  const [loading, setLoading] = createSignal(true);
  const [turn, setTurn] = createSignal(0);
  let latest = 0;
  createEffect(
    on([source, turn], ([from]) => {
      const mine = ++latest;
      setLoading(true);
      setError("");
      fetch(from)
        .then((v) => mine === latest && setValue(() => v))
        .catch((e) => mine === latest && setError(errorText(e)))
        .finally(() => mine === latest && setLoading(false));
    }),
  );
  return { value, error, loading, again: () => setTurn((n) => n + 1) };
}

/** A value that follows another after it has been still for `ms`. */
export function createDebounced<T>(source: Accessor<T>, ms: number): Accessor<T> {
  const [value, setValue] = createSignal(source());
  let timer: ReturnType<typeof setTimeout> | undefined;
  createEffect(
    on(
      source,
      (v) => {
        clearTimeout(timer);
        timer = setTimeout(() => setValue(() => v), ms);
      },
      { defer: true },
    ),
  );
  return value;
}
