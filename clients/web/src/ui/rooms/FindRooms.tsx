import { createSignal, For, Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Field } from "../kit/Field";
import { createDebounced } from "../kit/load";
import { Page } from "../Page";
import { createPages } from "../kit/pages";
import { go, toRoom } from "../route";
import { roomTitle, useChat } from "../state";
import { windows } from "../windows";
import { RoomAvatar } from "./RoomAvatar";

export default function FindRooms(): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const still = createDebounced(query, 200);
  const pages = createPages(still, async (q, after) => {
    const page = await chat.client.commands.roomFind({ query: q.trim(), after, limit: 30 });
    return { items: page.rooms, next: page.next };
  });
  return (
    <Page title={t().find.title}>
      <Field label={t().find.label} type="search" value={query()} onInput={setQuery} />
      <Show when={!pages.error()} fallback={<Failed text={pages.error()} onRetry={pages.again} />}>
        <ul class="cards">
          <For each={pages.items()}>{(room) => <FoundRoom room={room} />}</For>
        </ul>
        <Show when={pages.loading() && pages.items().length === 0}>
          <Skeleton lines={5} avatar />
        </Show>
        <Show when={!pages.loading() && pages.items().length === 0}>
          <Empty title={t().find.none} hint={t().find.noneHint}>
            <Button look="primary" onClick={() => windows.open("newRoom")}>
              {t().rooms.newRoom}
            </Button>
          </Empty>
        </Show>
        <Show when={pages.next()}>
          <Button busy={pages.loading()} onClick={pages.more}>
            {t().common.loadMore}
          </Button>
        </Show>
      </Show>
    </Page>
  );
}

function FoundRoom(props: { room: RoomSummary }): JSX.Element {
  const chat = useChat();
  const [busy, setBusy] = createSignal(false);
  const title = () => roomTitle(chat, props.room, t().rooms.unnamed);
  const member = () => (chat.room(props.room.room) ?? props.room).membership === "join";
  const open = async () => {
    setBusy(true);
    const ok = member() || (await attempt(() => chat.client.commands.roomJoin({ room: props.room.room })));
    setBusy(false);
    if (ok) go(toRoom(props.room.room));
  };
  return (
    <li class="card">
      <RoomAvatar room={props.room} size={44} />
      <div class="card-main">
        <span class="card-title">{title()}</span>
        <span class="card-detail">
          {[props.room.alias, t().find.members(props.room.members)].filter(Boolean).join(" · ")}
        </span>
        <p class="card-text" dir="auto">
          {props.room.topic || t().find.noTopic}
        </p>
      </div>
      <Button look={member() ? "plain" : "primary"} small busy={busy()} aria-label={`${member() ? t().find.open : t().find.join}: ${title()}`} onClick={() => void open()}>
        {member() ? t().find.open : t().find.join}
      </Button>
    </li>
  );
}
