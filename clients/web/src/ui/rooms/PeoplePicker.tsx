import { createSignal, For, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { IconButton } from "../kit/Button";
import { Field } from "../kit/Field";
import { UserAvatar } from "../kit/Avatar";
import { createDebounced, createLoad } from "../kit/load";
import { useChat } from "../state";

/** Chooses users by the beginning of a name; those chosen stand above the field. */
export function PeoplePicker(props: { label: string; hint?: string; chosen: readonly string[]; onChange: (users: readonly string[]) => void }): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const still = createDebounced(query, 150);
  const found = createLoad(still, async (q) => (q.trim() ? (await chat.client.commands.userFind({ query: q.trim(), limit: 8 })).profiles : []));
  const options = () => (query().trim() ? (found.value() ?? []).filter((p) => p.user !== chat.me()?.user && !props.chosen.includes(p.user)) : []);
  return (
    <div class="people-picker">
      <Show when={props.chosen.length > 0}>
        <ul class="chips">
          <For each={props.chosen}>
            {(user) => (
              <li class="chip">
                <UserAvatar user={user} size={18} /> {chat.name(user)}
                <IconButton icon="close" size={13} label={t().newRoom.removeInvite(chat.name(user))} onClick={() => props.onChange(props.chosen.filter((u) => u !== user))} />
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Field label={props.label} hint={props.hint} value={query()} error={found.error() || undefined} autocomplete="off" onInput={setQuery} />
      <ul class="pick-list">
        <For each={options()}>
          {(p) => (
            <li>
              <button type="button" class="pick" onClick={() => (props.onChange([...props.chosen, p.user]), setQuery(""))}>
                <UserAvatar user={p.user} size={28} />
                <span class="pick-name">{p.displayName || p.user}</span>
                <span class="pick-detail">{p.user}</span>
              </button>
            </li>
          )}
        </For>
      </ul>
      <Show when={query().trim() && !found.loading() && options().length === 0}>
        <p class="hint">{t().conversation.none}</p>
      </Show>
    </div>
  );
}
