import type { JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { locale, t } from "../../i18n";
import { listTime } from "../../i18n/dates";
import { Icon } from "../kit/Icon";
import { useRoomView } from "./view";

export function ThreadSummary(props: { event: Event }): JSX.Element {
  const view = useRoomView();
  return (
    <button type="button" class="thread-summary" onClick={() => view.openThread(props.event.id)}>
      <Icon name="thread" size={15} />
      <span class="thread-count">{t().timeline.thread(props.event.threadReplies)}</span>
      <span class="thread-last">{t().timeline.threadLast(listTime(locale(), Number(props.event.threadTime)))}</span>
    </button>
  );
}
