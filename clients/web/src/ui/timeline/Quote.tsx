import { type JSX } from "solid-js";
import type { Quote as QuoteMessage } from "../../gen/room_pb";
import { t } from "../../i18n";
import { speakerOf, useChat } from "../state";
import { plain } from "../markdown/plain";
import { useRoomView } from "./view";

/** The message this one answers; a click goes there. */
export function Quote(props: { of: QuoteMessage | undefined; event: string }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const who = () => (props.of?.author ? speakerOf(chat, props.of).name : t().common.unknownUser);
  const text = () => (!props.of ? t().timeline.quoteGone : chat.blocked(props.of.author) ? t().timeline.blocked : props.of.deleted ? t().timeline.quoteDeleted : plain(props.of.text));
  return (
    <button type="button" class="quote" title={t().timeline.replyTo(who())} onClick={() => view.jump(props.event)}>
      <span class="quote-author">{who()}</span> <span class="quote-text">{text()}</span>
    </button>
  );
}
