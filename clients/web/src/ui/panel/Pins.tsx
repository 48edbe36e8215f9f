import { createMemo, For, Show, type JSX } from "solid-js";
import { tp } from "../../i18n/panels";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { MessageCard } from "./MessageCard";

export default function Pins(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  // What is pinned in the loaded timeline changes when somebody pins: then ask again.
  const version = createMemo(() =>
    chat
      .timeline(view.room, "")
      .events.filter((e) => e.pinned)
      .map((e) => e.id)
      .join(),
  );
  const pins = createLoad(version, () => chat.client.commands.pins({ room: view.room }));
  const events = () => [...(pins.value()?.events ?? [])].reverse();
  return (
    <div class="panel-scroll" tabindex="-1">
      <Show when={!pins.error()} fallback={<Failed text={pins.error()} onRetry={pins.again} />}>
        <Show when={pins.value()} fallback={<Skeleton lines={4} avatar />}>
          <Show when={events().length > 0} fallback={<Empty title={tp().pins.none} hint={tp().pins.noneHint} />}>
            <ul class="message-cards">
              <For each={events()}>{(event) => <MessageCard event={event} onOpen={() => view.jump(event.id)} />}</For>
            </ul>
          </Show>
        </Show>
      </Show>
    </div>
  );
}
