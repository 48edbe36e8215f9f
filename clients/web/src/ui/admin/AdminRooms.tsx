import { createSignal, For, Show, type JSX } from "solid-js";
import { locale, t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { ta } from "../../i18n/admin";
import { dateTime } from "../../i18n/dates";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Field } from "../kit/Field";
import { createDebounced } from "../kit/load";
import { More } from "../kit/More";
import { createPages } from "../kit/pages";
import { RoomAvatar } from "../rooms/RoomAvatar";
import { roomTitle, useChat } from "../state";

export function AdminRooms(): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const still = createDebounced(query, 200);
  const pages = createPages(still, async (q, after) => {
    const page = await chat.client.commands.adminRooms({ query: q.trim(), after, limit: 50 });
    return { items: page.rooms, next: page.next, total: page.total };
  });
  return (
    <>
      <Field label={ta().searchRooms} hideLabel placeholder={ta().searchRooms} type="search" value={query()} onInput={setQuery} />
      <Show when={!pages.error()} fallback={<Failed text={pages.error()} onRetry={pages.again} />}>
        <p class="hint">{ta().roomCount(pages.total())}</p>
        <Show when={pages.items().length > 0} fallback={pages.loading() ? <Skeleton lines={6} avatar /> : <Empty title={ta().noRooms} />}>
          <ul class="plain-list">
            <For each={pages.items()}>
              {(room) => (
                <li class="plain-item">
                  <RoomAvatar room={room} size={36} />
                  <div class="card-main">
                    <span class="card-title">
                      {roomTitle(chat, room, t().rooms.unnamed)}
                      <span class="role">{room.direct ? ta().direct : room.public ? ta().public : ta().private}</span>
                    </span>
                    <span class="card-detail">
                      {[room.alias, tp().find.members(room.members), room.lastTime > 0n ? `${ta().lastMessage}: ${dateTime(locale(), Number(room.lastTime))}` : ""].filter(Boolean).join(" · ")}
                    </span>
                  </div>
                </li>
              )}
            </For>
          </ul>
        </Show>
        <More of={pages} />
      </Show>
    </>
  );
}
