import { createSignal, For, Show, type JSX } from "solid-js";
import { tp } from "../../i18n/panels";
import { tn } from "../../i18n/nodes";
import { IconButton } from "../kit/Button";
import { Field } from "../kit/Field";
import { UserAvatar } from "../kit/Avatar";
import { useChat } from "../state";
import { createPeopleSearch } from "./people";

/** Chooses users by the beginning of a name; those chosen stand above the field. */
export function PeoplePicker(props: { label: string; hint?: string; chosen: readonly string[]; onChange: (users: readonly string[]) => void }): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const { found, load } = createPeopleSearch(query, 8);
  const options = () => found().filter((p) => !props.chosen.includes(p.user));
  return (
    <div class="people-picker">
      <Show when={props.chosen.length > 0}>
        <ul class="chips">
          <For each={props.chosen}>
            {(user) => (
              <li class="chip">
                <UserAvatar user={user} size={18} /> {chat.name(user)}
                <IconButton icon="close" size={13} label={tp().newRoom.removeInvite(chat.name(user))} onClick={() => props.onChange(props.chosen.filter((u) => u !== user))} />
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Field label={props.label} hint={props.hint} value={query()} error={load.error() || undefined} autocomplete="off" onInput={setQuery} />
      <ul class="pick-list">
        <For each={options()}>
          {(p) => (
            <li>
              <button type="button" class="pick" onClick={() => (props.onChange([...props.chosen, p.user]), setQuery(""))}>
                <UserAvatar user={p.user} size={28} />
                <span class="pick-name">{p.node ? tn().people.invite(p.user) : p.name}</span>
                <span class="pick-detail">{p.node ? tn().people.elsewhere(p.node) : p.user}</span>
              </button>
            </li>
          )}
        </For>
      </ul>
      <p class="hint" role="status">
        {query().trim() && !load.loading() && options().length === 0 ? tn().people.none : ""}
      </p>
    </div>
  );
}
