import { For, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button } from "./Button";
import { Flame } from "./Icon";

/** Says that there is nothing, and what to do next. */
export function Empty(props: { title: string; hint?: string; flame?: boolean; children?: JSX.Element }): JSX.Element {
  return (
    <div class="empty">
      <Show when={props.flame}>
        <Flame size={56} />
      </Show>
      <p class="empty-title">{props.title}</p>
      <Show when={props.hint}>
        <p class="empty-hint">{props.hint}</p>
      </Show>
      {props.children}
    </div>
  );
}

/** Grey lines where content will stand. */
export function Skeleton(props: { lines: number; avatar?: boolean }): JSX.Element {
  return (
    <div class="skeleton" role="status">
      <span class="hidden-text">{t().app.loading}</span>
      <For each={Array.from({ length: props.lines }, (_, i) => i)}>
        {(i) => (
          <div class="skeleton-row" aria-hidden="true">
            <Show when={props.avatar}>
              <span class="skeleton-avatar" />
            </Show>
            <span class={`skeleton-line w${(i * 7) % 5}`} />
          </div>
        )}
      </For>
    </div>
  );
}

/** An error where content would stand, with a way on. */
export function Failed(props: { text: string; onRetry: () => void }): JSX.Element {
  return (
    <div class="load-failed" role="alert">
      <p>{props.text}</p>
      <Button small onClick={() => props.onRetry()}>
        {t().common.retry}
      </Button>
    </div>
  );
}
