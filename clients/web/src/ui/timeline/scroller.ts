// Where the timeline stands: sticks to the bottom, keeps its place when pages load,
// goes to a message, a date or the newest, and says how far was read.
import { createEffect, createSignal, on, onCleanup, onMount, type Accessor } from "solid-js";
import type { VirtualizerHandle } from "virtua/solid";
import type { Timeline } from "../../client/api";
import { keyOfEvent, rowPos, type Row } from "./rows";
import type { RowList } from "./list";

const NEAR_PX = 40; // this close to the bottom counts as there
const AHEAD_PX = 1200; // pages load this long before their end is reached

export interface ScrollerOptions {
  list: RowList;
  timeline: Accessor<Timeline>;
  element: () => HTMLElement | undefined;
  loadOlder: () => Promise<void>;
  loadNewer: () => Promise<void>;
  onRead?: (pos: bigint, atEnd: boolean) => void;
  highlight: (key: string) => void;
  /** The reader has something in hand: the end is followed again afterwards. */
  held: Accessor<boolean>;
  /** Whether the end is what is read: else what is read must stay loaded, however much comes. */
  onFollow: (end: boolean) => void;
}

type Wanted = { event: string } | { date: number } | "newest" | null;

export interface Scroller {
  setHandle: (handle?: VirtualizerHandle) => void;
  onScroll: (offset: number) => void;
  onSettle: () => void;
  atBottom: Accessor<boolean>;
  toBottom: () => void;
  toKey: (key: string, align: "start" | "center" | "nearest") => void;
  /** Goes there as soon as it is loaded. */
  want: (wanted: Wanted) => void;
}

export function createScroller(options: ScrollerOptions): Scroller {
  const { list, timeline, held } = options;
  const [atBottom, setAtBottom] = createSignal(true);
  let handle: VirtualizerHandle | undefined;
  let placed = false;
  let stick = true;
  let last = 0;
  let wanted: Wanted = null;
  let byHand = 0; // until then a scroll may be the reader's own; others come from pages and rows that change

  const distance = () => (handle ? handle.scrollSize - handle.scrollOffset - handle.viewportSize : 0);
  const toBottom = () => {
    stick = true;
    setAtBottom(true);
    if (list.keys().length > 0) handle?.scrollToIndex(list.keys().length - 1, { align: "end" });
  };
  const follow = () => {
    if (!placed || !stick || timeline().moreAfter) return;
    if (held()) setAtBottom(distance() < NEAR_PX);
    else toBottom();
  };
  const toKey = (key: string, align: "start" | "center" | "nearest") => {
    const index = list.keys().indexOf(key);
    if (index < 0) return;
    stick = false;
    handle?.scrollToIndex(index, { align, offset: align === "start" ? -72 : 0 });
  };

  const fill = () => {
    const now = timeline();
    if (!handle || !placed || now.loading || now.error || wanted) return;
    if (stick && !now.moreAfter && distance() > NEAR_PX) return; // on the way to the bottom
    if (now.moreBefore && handle.scrollOffset < AHEAD_PX) void options.loadOlder();
    else if (now.moreAfter && distance() < AHEAD_PX) void options.loadNewer();
  };

  const read = () => {
    if (!handle || !placed || !options.onRead || document.visibilityState !== "visible" || !document.hasFocus()) return;
    const rows = list.rows();
    const end = distance() < NEAR_PX && !timeline().moreAfter;
    let index = end ? rows.length - 1 : Math.min(rows.length - 1, handle.findItemIndex(handle.scrollOffset + handle.viewportSize - 12));
    while (index >= 0 && rowPos(rows[index]!) === 0n) index--;
    if (index >= 0) options.onRead(rowPos(rows[index]!), end);
  };

  const satisfy = (rows: readonly Row[]): boolean => {
    if (!wanted || timeline().loading === "jump") return false;
    const goal = wanted;
    if (goal === "newest") {
      if (timeline().moreAfter) return false;
      wanted = null;
      placed = true;
      toBottom();
      return false; // what else is due at a place, is due here too
    }
    const key = "event" in goal ? keyOfEvent(rows, goal.event) : rows.find((row) => rowTime(row) >= goal.date)?.key;
    if (!key) return false;
    wanted = null;
    placed = true;
    toKey(key, "event" in goal ? "center" : "start");
    if ("event" in goal) options.highlight(key);
    return true;
  };

  const place = () => {
    const rows = list.rows();
    if (!handle || rows.length === 0 || list.keys().length === 0) return;
    if (satisfy(rows)) return;
    if (!placed) {
      if (wanted || !timeline().events.length) return;
      placed = true;
      const unread = rows.find((row) => row.unread);
      if (unread) {
        toKey(unread.key, "start");
        requestAnimationFrame(() => distance() < NEAR_PX && toBottom());
      } else toBottom();
    } else follow();
    requestAnimationFrame(settle);
  };

  const settle = () => {
    fill();
    read();
  };

  createEffect(on(held, follow, { defer: true }));
  createEffect(on(atBottom, options.onFollow));
  createEffect(on([list.keys, list.rows, () => timeline().loading], () => queueMicrotask(place)));

  onMount(() => {
    const element = options.element();
    if (!element) return;
    const resized = new ResizeObserver(follow);
    const hand = (e: Event) => (byHand = e.type === "pointerdown" ? Infinity : performance.now() + 1500); // a scroll bar may be held for long
    const signs = ["wheel", "touchmove", "keydown", "pointerdown", "pointerup", "pointercancel"] as const;
    for (const sign of signs) element.addEventListener(sign, hand, { passive: true });
    resized.observe(element);
    if (element.firstElementChild) resized.observe(element.firstElementChild); // rows that grow
    addEventListener("focus", read);
    document.addEventListener("visibilitychange", read);
    onCleanup(() => {
      resized.disconnect();
      for (const sign of signs) element.removeEventListener(sign, hand);
      removeEventListener("focus", read);
      document.removeEventListener("visibilitychange", read);
    });
  });

  return {
    atBottom,
    toBottom,
    toKey,
    setHandle: (h) => void (handle = h),
    want: (goal) => {
      wanted = goal;
      queueMicrotask(place);
    },
    onScroll: (offset) => {
      const far = distance();
      if (far < NEAR_PX) stick = !timeline().moreAfter;
      else if (offset < last - 1 && performance.now() < byHand) stick = false;
      last = offset;
      setAtBottom((stick && !held()) || far < NEAR_PX);
      fill();
    },
    onSettle: settle,
  };
}

function rowTime(row: Row): number {
  if (row.kind === "message") return Number(row.event.time);
  if (row.kind === "system" || row.kind === "thread") return Number(row.events[0]!.time);
  return 0;
}
