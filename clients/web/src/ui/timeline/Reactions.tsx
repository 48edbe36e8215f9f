import { For, Show, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { t } from "../../i18n";
import { IconButton } from "../kit/Button";
import { useChat } from "../state";
import { useMessageActions } from "./messageActions";
import { useHover } from "./hover";
import { useRoomView } from "./view";

export function Reactions(props: { event: Event }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const hover = useHover();
  const actions = useMessageActions();
  const emoji = () => props.event.reactions.filter((r) => r.users.length > 0).map((r) => r.emoji);
  return (
    <Show when={emoji().length > 0 && !props.event.deleted}>
      <div class="reactions">
        <For each={emoji()}>
          {(sign) => {
            const users = () => props.event.reactions.find((r) => r.emoji === sign)?.users ?? [];
            const mine = () => users().includes(chat.me()?.user ?? "");
            const called = () => props.event.reactions.find((r) => r.emoji === sign)?.names ?? {};
            const names = () => {
              const shown = users().slice(0, 12).map((u) => called()[u] ?? chat.name(u)).join(", ");
              return t().timeline.reactedWith(users().length > 12 ? `${shown}, ${t().timeline.and(users().length - 12)}` : shown, sign);
            };
            return (
              <button type="button" class="reaction" classList={{ mine: mine() }} aria-pressed={mine()} aria-label={t().timeline.reaction(sign, users().length)} title={names()} disabled={!view.right("react")} onClick={() => void actions.react(props.event, sign, !mine())}>
                <span class="reaction-emoji">{sign}</span> {users().length}
              </button>
            );
          }}
        </For>
        <Show when={view.right("react")}>
          <IconButton class="reaction add" icon="plus" size={14} label={t().timeline.addReaction} onClick={(e) => hover.show(e.currentTarget.closest<HTMLElement>("[data-key]")?.dataset.key ?? "", "emoji")} />
        </Show>
      </div>
    </Show>
  );
}
