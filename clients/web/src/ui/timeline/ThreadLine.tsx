import type { JSX } from "solid-js";
import { t } from "../../i18n";
import { Icon } from "../kit/Icon";
import { speakerOf, useChat } from "../state";
import { plain } from "../markdown/plain";
import type { ThreadRow } from "./rows";
import { Time } from "./Message";
import { saidAt } from "./sent";
import { useRoomView } from "./view";

/** In the room: somebody went on in a thread. */
export function ThreadLine(props: { row: ThreadRow }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const last = () => props.row.events[props.row.events.length - 1]!;
  return (
    <div class="system" data-row tabindex="-1">
      <button type="button" class="thread-line" onClick={() => view.openThread(props.row.thread)}>
        <Icon name="thread" size={14} />
        <span class="thread-who">{t().timeline.threadReply(speakerOf(chat, last()).name, props.row.events.length)}</span>
        <span class="thread-text">{chat.blocked(last().author) ? t().timeline.blocked : last().deleted ? t().timeline.deleted : plain(last().text)}</span>
      </button>
      <Time class="system-time" time={saidAt(last())} />
    </div>
  );
}
