import { Show, type JSX } from "solid-js";
import type { Event } from "../../gen/room_pb";
import { locale, t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { dateTime } from "../../i18n/dates";
import { SpeakerAvatar } from "../kit/Avatar";
import { Markdown } from "../markdown/Markdown";
import { speakerOf, useChat } from "../state";

/** A message out of its place: in a list of pins or of results. */
export function MessageCard(props: { event: Event; where?: string; onOpen: () => void }): JSX.Element {
  const chat = useChat();
  return (
    <li class="message-card">
      <div class="message-card-head">
        <SpeakerAvatar of={speakerOf(chat, props.event)} size={22} />
        <span class="author">{speakerOf(chat, props.event).name}</span>
        <Show when={props.where}>
          <span class="message-card-where">{props.where}</span>
        </Show>
        <span class="message-time">{dateTime(locale(), Number(props.event.time))}</span>
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
