import { createSignal, For, Show, type JSX } from "solid-js";
import { locale, t } from "../../i18n";
import { useChat } from "../state";
import { Time } from "./Message";
import { Receipts } from "./Receipts";
import type { SystemRow } from "./rows";
import { movesText, systemText } from "./system";

/** Joins, topic changes and the like; several joins and leaves are one line that opens. */
export function SystemLine(props: { id: string; row: SystemRow }): JSX.Element {
  const chat = useChat();
  const [open, setOpen] = createSignal(false);
  const events = () => props.row.events;
  const one = () => systemText(events()[0]!, chat.name, t());
  const many = () => movesText(events(), chat.name, t(), (names) => new Intl.ListFormat(locale(), { type: "conjunction" }).format(names));
  return (
    <div class="system" data-row tabindex="-1">
      <Show
        when={events().length > 1}
        fallback={
          <span class="system-text" dir="auto">
            {one()}
          </span>
        }
      >
        <span class="system-text">
          {many()}{" "}
          <button type="button" class="link-button" aria-expanded={open()} onClick={() => setOpen(!open())}>
            {open() ? t().timeline.collapse : t().timeline.expand(events().length)}
          </button>
        </span>
      </Show>
      <Time class="system-time" time={Number(events()[events().length - 1]!.time)} />
      <Show when={open()}>
        <ul class="system-list">
          <For each={events()}>
            {(event) => (
              <li>
                {systemText(event, chat.name, t())} <Time class="system-time" time={Number(event.time)} />
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Receipts id={props.id} />
    </div>
  );
}
