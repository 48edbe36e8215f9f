import { For, Show, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { locale, t } from "../../i18n";
import { dateTime } from "../../i18n/dates";
import { Dialog } from "../kit/Dialog";
import { Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { Markdown } from "../markdown/Markdown";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";

export default function EditHistory(props: { event: Event; onClose: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const history = createLoad(
    () => props.event.id,
    (event) => chat.client.commands.editHistory({ room: view.room, event }),
  );
  const title = (i: number, count: number) => (i === 0 ? t().timeline.original : i === count - 1 ? t().timeline.current : t().timeline.version(i + 1));
  return (
    <Dialog open title={t().timeline.edits} onClose={props.onClose}>
      <Show when={!history.error()} fallback={<Failed text={history.error()} onRetry={history.again} />}>
        <Show when={history.value()} fallback={<Skeleton lines={4} />}>
          {(found) => (
            <ol class="editions">
              <For each={found().editions}>
                {(edition, i) => (
                  <li>
                    <p class="edition-head">
                      {title(i(), found().editions.length)} · {dateTime(locale(), Number(edition.time))}
                    </p>
                    <Markdown id={`${props.event.id} edition ${edition.time}`} text={edition.text} mentions={props.event.mentions} mentionRoom={props.event.mentionRoom} />
                  </li>
                )}
              </For>
            </ol>
          )}
        </Show>
      </Show>
    </Dialog>
  );
}
