import { Show, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { locale, t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { dateTime } from "../../i18n/dates";
import { SpeakerAvatar } from "../kit/Avatar";
import { Markdown } from "../markdown/Markdown";
import { elsewhere, speakerOf, useChat } from "../state";
import { saidAt, sentEarlier } from "../timeline/sent";

/** A message out of its place: in a list of pins or of results. */
export function MessageCard(props: { event: Event; where?: string; onOpen: () => void }): JSX.Element {
  const chat = useChat();
  const who = () => speakerOf(chat, props.event);
  const from = () => (props.event.ghost ? who().network : elsewhere(chat, props.event.author) && `@${elsewhere(chat, props.event.author)}`);
  return (
    <li class="message-card">
      <div class="message-card-head">
        <SpeakerAvatar of={who()} size={22} />
        <span class="author">{who().name}</span>
        <Show when={from()}>
          <span class="node-tag">{from()}</span>
        </Show>
        <Show when={props.where}>
          <span class="message-card-where">{props.where}</span>
        </Show>
        <span class="message-time">{dateTime(locale(), saidAt(props.event))}</span>
        <Show when={sentEarlier(props.event)}>
          <span class="message-time">{t().timeline.sentEarlier}</span>
        </Show>
      </div>
      <div class="message-card-text">
        <Show when={!chat.blocked(props.event.author)} fallback={<p class="tombstone">{t().timeline.blocked}</p>}>
          <Markdown id={`${props.event.id} ${props.event.edited}`} text={props.event.text} mentions={props.event.mentions} mentionRoom={props.event.mentionRoom} />
        </Show>
      </div>
      <button type="button" class="link-button" onClick={() => props.onOpen()}>
        {tp().pins.open}
      </button>
    </li>
  );
}
