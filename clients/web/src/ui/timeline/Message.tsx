import { createSignal, Show, type JSX } from "solid-js";
import { locale, t } from "../../i18n";
import { clock, dateTime, dayOf, fullTime } from "../../i18n/dates";
import { SpeakerAvatar, hueOf } from "../kit/Avatar";
import { Icon } from "../kit/Icon";
import { Files } from "./Files";
import { Markdown } from "../markdown/Markdown";
import { elsewhere, speakerOf, useChat } from "../state";
import { Actions } from "./Actions";
import { useHover } from "./hover";
import { Quote } from "./Quote";
import { Reach, reachIn, reachText } from "./Reach";
import { Reactions } from "./Reactions";
import { Receipts } from "./Receipts";
import type { MessageRow } from "./rows";
import { saidAt, sentEarlier } from "./sent";
import { ThreadSummary } from "./ThreadSummary";
import { useRoomView } from "./view";

export function Message(props: { id: string; row: MessageRow }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const hover = useHover();
  const event = () => props.row.event;
  const time = () => saidAt(event());
  const came = () => Number(event().time);
  const head = () => props.row.head && event().kind !== "emote";
  const me = () => chat.me()?.user ?? "";
  const who = () => speakerOf(chat, event());
  const plain = () => !event().deleted && !event().voided; // there to be answered, changed, reported
  const when = () => {
    const reach = reachIn(chat, view.room, event());
    const arrived = event().sent ? t().timeline.arrived(fullTime(locale(), came())) : "";
    return [fullTime(locale(), time()), arrived, reach && reachText(reach)].filter(Boolean).join(" · ");
  };
  const mentioned = () => event().author !== me() && !event().deleted && (event().mentionRoom || event().mentions.includes(me()));

  return (
    <article
      class="message"
      classList={{ head: head(), silent: event().silent, emote: event().kind === "emote", mentioned: mentioned(), highlighted: hover.isHighlighted(props.id), active: hover.isActive(props.id) }}
      data-row
      data-event={event().id}
      tabindex="-1"
      aria-label={t().timeline.article(who().name, fullTime(locale(), time()))}
    >
      <div class="message-gutter">
        <Show when={head()} fallback={<Time class="message-clock" time={time()} title={when()} />}>
          <SpeakerAvatar of={who()} size={36} />
        </Show>
      </div>
      <div class="message-main">
        <Show when={head()}>
          <div class="message-head" classList={{ earlier: sentEarlier(event()) }}>
            {/* By the keyboard: in the message's menu. */}
            <button type="button" tabindex="-1" dir="auto" class={`author hue-text-${hueOf(who().id)}`} title={who().id} onClick={() => view.setAsk({ kind: "person", user: event().author })}>
              {who().name}
            </button>
            <Show when={who().network}>{(network) => <span class="node-tag">{network()}</span>}</Show>
            <Show when={!event().ghost && elsewhere(chat, event().author)}>{(node) => <span class="node-tag">@{node()}</span>}</Show>
            <Time class="message-time" time={time()} dated={dayOf(time()) !== dayOf(came())} title={when()} />
            <Show when={sentEarlier(event())}>
              <span class="message-time">{t().timeline.sentEarlier}</span>
            </Show>
          </div>
        </Show>
        <Show when={event().pinned && plain()}>
          <div class="pinned-mark">
            <Icon name="pin" size={13} />
            {t().timeline.pinned}
          </div>
        </Show>
        <Show when={event().replyTo}>
          <Quote of={event().quote} event={event().replyTo} />
        </Show>
        <Body row={props.row} />
        <Reactions event={event()} />
        <Show when={event().threadReplies > 0 && !view.thread}>
          <ThreadSummary event={event()} />
        </Show>
      </div>
      <div class="message-side">
        <Show when={event().author === me()}>
          <Reach event={event()} />
        </Show>
        <Receipts id={props.id} />
      </div>
      <Show when={hover.isActive(props.id) && plain()}>
        <Actions event={event()} />
      </Show>
    </article>
  );
}

function Body(props: { row: MessageRow }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const event = () => props.row.event;
  const [shown, setShown] = createSignal(false);
  const hidden = () => chat.blocked(event().author) && !shown();
  const deleted = () => (event().deletedBy && event().deletedBy !== event().author ? t().timeline.deletedBy(chat.name(event().deletedBy)) : t().timeline.deleted);
  return (
    <Show when={!event().deleted} fallback={<p class="tombstone">{deleted()}</p>}>
      <Show when={chat.blocked(event().author)}>
        <p class="tombstone">
          {t().timeline.blocked}{" "}
          <button type="button" class="link-button" aria-expanded={shown()} onClick={() => setShown(!shown())}>
            {shown() ? t().timeline.hide : t().timeline.show}
          </button>
        </p>
      </Show>
      <Show when={!hidden()}>
        <div class="message-body" classList={{ voided: event().voided }}>
          <Show when={event().kind === "emote"}>
            <span class="emote-author">{speakerOf(chat, event()).name}</span>
          </Show>
          <Show when={event().text}>
            <Markdown id={`${event().id} ${event().edited}`} text={event().text} mentions={event().mentions} mentionRoom={event().mentionRoom} />
          </Show>
          <Show when={event().edited > 0n}>
            <button type="button" class="edited" title={t().timeline.showEdits} aria-label={`${t().timeline.edited}. ${t().timeline.showEdits}`} onClick={() => view.setAsk({ kind: "edits", event: event() })}>
              {t().timeline.edited}
            </button>
          </Show>
          <Files files={event().files} />
        </div>
      </Show>
      <Show when={event().voided}>
        <p class="voided-why">
          <Icon name="alert" size={13} /> {t().timeline.voided}
        </p>
      </Show>
    </Show>
  );
}

export function Time(props: { time: number; class?: string; title?: string; dated?: boolean }): JSX.Element {
  return (
    <time class={props.class} dateTime={new Date(props.time).toISOString()} title={props.title ?? fullTime(locale(), props.time)}>
      {props.dated ? dateTime(locale(), props.time) : clock(locale(), props.time)}
    </time>
  );
}
