import { createEffect, createMemo, createRenderEffect, createSignal, on, onCleanup, Show, type JSX } from "solid-js";
import { Virtualizer } from "virtua/solid";
import { t } from "../../i18n";
import { Button } from "../kit/Button";
import { Failed, Skeleton } from "../kit/Empty";
import { Icon } from "../kit/Icon";
import { useChat } from "../state";
import { Announcer } from "./Announcer";
import { createHold } from "./hold";
import { createHover, HoverContext } from "./hover";
import { moveFocus } from "./keys";
import { createRowList } from "./list";
import { placeReceipts } from "./placeReceipts";
import { ReceiptsContext } from "./Receipts";
import { RowItem } from "./RowItem";
import { buildRows, isMessage } from "./rows";
import { createScroller } from "./scroller";
import { useRoomView } from "./view";

/** The messages of a room or a thread: a virtual list that loads pages at both ends. */
export function Timeline(props: { target?: string; date?: number }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const { client } = chat;
  const thread = view.thread || undefined;
  let log: HTMLDivElement | undefined;

  const timeline = () => chat.timeline(view.room, view.thread);
  const me = () => chat.me()?.user ?? "";
  const list = createRowList();
  createRenderEffect(() => list.update(buildRows(timeline(), me())));

  const hover = createHover();
  const held = createHold(() => log, hover);
  const scroller = createScroller({
    list,
    timeline,
    element: () => log,
    loadOlder: () => client.loadOlder(view.room, thread),
    loadNewer: () => client.loadNewer(view.room, thread),
    onRead: thread ? undefined : (pos, end) => client.markRead(view.room, end ? max(pos, view.summary()?.headPos ?? 0n) : pos),
    highlight: hover.highlight,
    held,
    onFollow: (end) => client.follow(view.room, end, thread),
  });

  createEffect(
    on(
      () => props.target,
      (event) => {
        if (!event) return;
        scroller.want({ event });
        if (!timeline().events.some((e) => e.id === event)) void client.jumpTo(view.room, { event }).catch(() => scroller.want(null));
      },
    ),
  );
  createEffect(
    on(
      () => props.date,
      (date) => {
        if (!date) return;
        void client.jumpTo(view.room, { date }).then(() => scroller.want({ date }), () => scroller.want(null));
      },
    ),
  );
  view.onLastOwn(() => timeline().events.findLast((e) => e.author === me() && isMessage(e) && !e.deleted && !e.voided && e.thread === view.thread));
  onCleanup(() => (view.onLastOwn(() => undefined), view.onShowNewest(() => {})));

  const toNewest = async () => {
    scroller.want("newest");
    if (timeline().moreAfter) await client.jumpTo(view.room, "newest").catch(() => scroller.want(null));
  };
  view.onShowNewest(() => void toNewest());

  const [seen, setSeen] = createSignal(0n); // the newest that was on show when the bottom was left, or held
  createEffect(() => {
    if (scroller.atBottom() && !held()) setSeen(timeline().events.reduce((top, e) => max(top, e.pos), 0n));
  });
  const fresh = createMemo(() => (scroller.atBottom() || timeline().moreAfter ? 0 : timeline().events.filter((e) => e.pos > seen() && isMessage(e) && e.author !== me()).length));
  const receipts = createMemo(() => (thread ? new Map<string, readonly string[]>() : placeReceipts(list.rows(), chat.receipts(view.room), me())));
  const [focused, setFocused] = createSignal("");
  const kept = createMemo(() => {
    const used = [focused(), hover.overlay() && hover.active()];
    return list.keys().flatMap((key, i) => (used.includes(key) ? [i] : []));
  });

  const onKeyDown = (e: KeyboardEvent & { currentTarget: HTMLDivElement }) => {
    const key = (e.target as HTMLElement).closest<HTMLElement>("[data-key]")?.dataset.key;
    if (moveFocus(e, e.currentTarget, list.keys(), (k) => scroller.toKey(k, "nearest"))) return;
    const opensMenu = e.key === "ContextMenu" || (e.key === "F10" && e.shiftKey) || (e.key === "Enter" && (e.target as HTMLElement).matches("[data-row]"));
    if (key && opensMenu) {
      e.preventDefault();
      hover.show(key, "menu");
    }
  };

  return (
    <HoverContext.Provider value={hover}>
      <ReceiptsContext.Provider value={(key) => receipts().get(key)}>
        <div class="timeline">
          <div class="timeline-bar" classList={{ on: timeline().loading === "older" && list.keys().length > 0 }} aria-hidden="true" />
          <div
            class="log"
            ref={log}
            role="log"
            aria-label={t().timeline.label}
            aria-live="off"
            aria-busy={timeline().loading ? "true" : "false"}
            tabindex="0"
            onKeyDown={onKeyDown}
            {...hover.handlers}
            on:focusin={(e: FocusEvent) => (setFocused((e.target as Element).closest<HTMLElement>("[data-key]")?.dataset.key ?? ""), hover.handlers.onFocusIn(e))}
            on:focusout={(e: FocusEvent & { currentTarget: HTMLElement }) => (setFocused(""), hover.handlers.onFocusOut(e))}
          >
            <Virtualizer ref={scroller.setHandle} data={list.keys()} shift={list.shift()} bufferSize={500} keepMounted={kept()} onScroll={scroller.onScroll} onScrollEnd={scroller.onSettle}>
              {(key) => <RowItem id={key} row={() => list.row(key)} />}
            </Virtualizer>
          </div>
          <Show when={list.keys().length === 0 && timeline().loading}>
            <div class="timeline-cover">
              <Skeleton lines={9} avatar />
            </div>
          </Show>
          <Show when={timeline().error}>
            <div class="timeline-error">
              <Failed text={timeline().error || t().timeline.loadFailed} onRetry={() => void (thread ? client.openThread(view.room, thread) : client.open(view.room))} />
            </div>
          </Show>
          <Show when={!scroller.atBottom() || timeline().moreAfter}>
            <Button class="to-newest" look="primary" small onClick={() => void toNewest().then(() => log?.focus({ preventScroll: true }))}>
              <Icon name="down" size={16} />
              {fresh() > 0 ? t().timeline.newCount(fresh()) : t().timeline.newest}
            </Button>
          </Show>
          <Announcer events={() => timeline().events} live={() => !timeline().moreAfter} />
        </div>
      </ReceiptsContext.Provider>
    </HoverContext.Provider>
  );
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
