import { For, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { UserAvatar } from "../kit/Avatar";
import { Icon } from "../kit/Icon";
import type { Suggestion } from "./suggest";

export function Suggestions(props: { id: string; list: readonly Suggestion[]; active: number; onPick: (s: Suggestion) => void }): JSX.Element {
  return (
    <ul class="suggestions" id={props.id} role="listbox" aria-label={t().composer.completions}>
      <For each={props.list}>
        {(s, i) => (
          <li id={`${props.id}-${i()}`} role="option" aria-selected={i() === props.active} class="suggestion" onMouseDown={(e) => (e.preventDefault(), props.onPick(s))}>
            <span class="suggestion-sign">
              <Show when={s.user} fallback={s.emoji ?? <Icon name="people" />}>
                {(user) => <UserAvatar user={user()} size={22} />}
              </Show>
            </span>
            <span class="suggestion-label">{s.label}</span>
            <span class="suggestion-detail">{s.detail}</span>
          </li>
        )}
      </For>
    </ul>
  );
}
