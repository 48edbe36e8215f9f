import { Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { locale, t } from "../../i18n";
import { number } from "../../i18n/plural";
import { IconButton } from "../kit/Button";
import { Icon } from "../kit/Icon";
import { Menu } from "../kit/Menu";
import { createMedia } from "../media";
import { go } from "../route";
import { elsewhere, isStranger, useChat } from "../state";
import { RoomAvatar } from "../rooms/RoomAvatar";
import type { PanelName } from "./RoomPage";

interface RoomHeadProps {
  title: string;
  summary: RoomSummary | undefined;
  panel: PanelName;
  onPanel: (name: PanelName) => void;
  onDate: () => void;
}

export function RoomHead(props: RoomHeadProps): JSX.Element {
  const chat = useChat();
  const narrow = createMedia("(max-width: 720px)");
  const member = () => props.summary?.membership === "join";
  return (
    <header class="room-head">
      <IconButton class="only-narrow" icon="back" label={t().rooms.showList} onClick={() => go("#/")} />
      <Show when={props.summary}>{(room) => <RoomAvatar room={room()} size={32} />}</Show>
      <div class="room-head-main">
        <h1 class="room-head-title" dir="auto">
          {props.title} <Show when={props.summary?.direct && elsewhere(chat, props.summary.direct)}>{(node) => <span class="node-tag">@{node()}</span>}</Show>
        </h1>
        <Show when={!(props.summary && isStranger(props.summary)) && props.summary?.topic}>
          <p class="room-head-topic" dir="auto" title={props.summary?.topic}>
            {props.summary?.topic}
          </p>
        </Show>
      </div>
      <Show when={member()}>
        <Show
          when={!narrow()}
          fallback={
            <Menu
              label={t().room.more}
              entries={[
                { label: t().room.search, icon: "search", onSelect: () => props.onPanel("search") },
                { label: t().room.members, icon: "people", onSelect: () => props.onPanel("members") },
                { label: t().room.pins, icon: "pin", onSelect: () => props.onPanel("pins") },
                { label: t().room.jumpDate, icon: "calendar", onSelect: () => props.onDate() },
                null,
                { label: t().room.info, icon: "info", onSelect: () => props.onPanel("info") },
              ]}
            />
          }
        >
          <button type="button" class="head-members" aria-pressed={props.panel === "members"} aria-label={`${t().room.members}, ${t().room.memberCount(props.summary?.members ?? 0)}`} title={t().room.members} onClick={() => props.onPanel("members")}>
            <Icon name="people" /> {number(locale(), props.summary?.members ?? 0)}
          </button>
          <IconButton icon="search" label={t().room.search} aria-pressed={props.panel === "search"} onClick={() => props.onPanel("search")} />
          <IconButton icon="pin" label={t().room.pins} aria-pressed={props.panel === "pins"} onClick={() => props.onPanel("pins")} />
          <IconButton icon="calendar" label={t().room.jumpDate} onClick={() => props.onDate()} />
          <IconButton icon="info" label={t().room.info} aria-pressed={props.panel === "info"} onClick={() => props.onPanel("info")} />
        </Show>
      </Show>
    </header>
  );
}
