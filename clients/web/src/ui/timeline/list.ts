// Keys for the virtual list and a signal for each row: what did not change does not render again.
import { batch, createSignal, untrack, type Accessor, type Signal } from "solid-js";
import { sameRow, type Row } from "./rows";

export interface RowList {
  keys: Accessor<readonly string[]>;
  /** True while rows are added to, or taken from, the beginning: the view keeps its place from the end. */
  shift: Accessor<boolean>;
  row: (key: string) => Row | undefined;
  rows: Accessor<readonly Row[]>;
  update: (rows: readonly Row[]) => void;
}

export function createRowList(): RowList {
  const [keys, setKeys] = createSignal<readonly string[]>([]);
  const [rows, setRows] = createSignal<readonly Row[]>([]);
  let shift = false;
  let updates = 0;
  let signals = new Map<string, Signal<Row>>();

  const update = (next: readonly Row[]): void => {
    const old = untrack(keys);
    const fresh = new Map<string, Signal<Row>>();
    const nextKeys = next.map((row) => row.key);
    batch(() => {
      for (const row of next) {
        const kept = signals.get(row.key);
        if (kept && !sameRow(untrack(kept[0]), row)) kept[1](row);
        fresh.set(row.key, kept ?? createSignal(row));
      }
      setRows(next);
    });
    // Rows that go away in this step are still read until the list has let go of them.
    signals = new Map([...signals, ...fresh]);
    const { start } = splitUpdate(old, nextKeys);
    const turn = ++updates;
    const finish = () => {
      if (turn !== updates) return;
      shift = false;
      if (!sameKeys(untrack(keys), nextKeys)) setKeys(nextKeys);
      signals = fresh;
    };
    if (!start) return finish();
    shift = true;
    setKeys(start);
    if (sameKeys(start, nextKeys)) signals = fresh;
    else queueMicrotask(finish); // Solid runs the list once per step: the second one waits for the first
  };

  return { keys, rows, update, shift: () => shift, row: (key) => signals.get(key)?.[0]() };
}

/**
 * A change at both ends goes in two steps. `start` is the old list with its beginning
 * changed; undefined when the beginning stays or when the lists have nothing in common.
 */
export function splitUpdate(old: readonly string[], next: readonly string[]): { start?: readonly string[] } {
  const first = old[0];
  if (first === undefined || next.length === 0 || first === next[0]) return {};
  const index = new Map(next.map((key, i) => [key, i]));
  const anchor = old.findIndex((key) => index.has(key)); // the first row that stays
  if (anchor < 0) return {};
  const at = index.get(old[anchor]!)!;
  return { start: [...next.slice(0, at), ...old.slice(anchor)] };
}

const sameKeys = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((key, i) => key === b[i]);
