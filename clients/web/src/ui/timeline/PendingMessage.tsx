import { create } from "@bufbuild/protobuf";
import { Match, Show, Switch, type JSX } from "solid-js";
import { FileSchema } from "../../gen/room_pb";
import { t } from "../../i18n";
import { fullTime } from "../../i18n/dates";
import { locale } from "../../i18n";
import { Button } from "../kit/Button";
import { UserAvatar, hueOf } from "../kit/Avatar";
import { Icon } from "../kit/Icon";
import { Markdown } from "../markdown/Markdown";
import { useChat } from "../state";
import { Files } from "./Files";
import { Time } from "./Message";
import type { PendingRow } from "./rows";

/** A message of one's own that the node does not have yet. */
export function PendingMessage(props: { row: PendingRow }): JSX.Element {
  const chat = useChat();
  const pending = () => props.row.pending;
  const me = () => chat.me()?.user ?? "";
  return (
    <article class="message pending" classList={{ head: props.row.head && !pending().emote, failed: pending().state === "failed", emote: pending().emote }} data-row tabindex="-1" aria-label={t().timeline.article(chat.name(me()), fullTime(locale(), pending().time))}>
      <div class="message-gutter">
        <Show when={props.row.head && !pending().emote}>
          <UserAvatar user={me()} size={36} />
        </Show>
      </div>
      <div class="message-main">
        <Show when={props.row.head && !pending().emote}>
          <div class="message-head">
            <span class={`author hue-text-${hueOf(me())}`}>{chat.name(me())}</span>
            <Time class="message-time" time={pending().time} />
          </div>
        </Show>
        <div class="message-body">
          <Show when={pending().emote}>
            <span class="emote-author">{chat.name(me())}</span>
          </Show>
          <Show when={pending().text}>
            <Markdown id={`pending ${pending().key}`} text={pending().text} mentions={[]} mentionRoom={false} />
          </Show>
          <Files files={pending().files.map((f) => create(FileSchema, { ...f, size: BigInt(f.size) }))} />
        </div>
        <p class="pending-state" role={pending().state === "failed" ? "alert" : undefined}>
          <Switch>
            <Match when={pending().state === "waiting"}>
              <Icon name="clock" size={13} /> {t().timeline.waiting}
            </Match>
            <Match when={pending().state === "sending"}>{t().timeline.sending}</Match>
            <Match when={pending().state === "failed"}>
              <Icon name="alert" size={13} /> {t().timeline.failed} {pending().error}
              <Button small onClick={() => chat.client.retry(pending().key)}>
                {t().timeline.retry}
              </Button>
              <Button small look="quiet" onClick={() => chat.client.discard(pending().key)}>
                {t().timeline.discard}
              </Button>
            </Match>
          </Switch>
        </p>
      </div>
    </article>
  );
}
