import { createEffect, createSignal, For, on, Show, type JSX } from "solid-js";
import type { Notice } from "../gen/client_pb";
import { locale } from "../i18n";
import { dateTime } from "../i18n/dates";
import { tn } from "../i18n/nodes";
import { attempt } from "./errors";
import { Button } from "./kit/Button";
import { Icon } from "./kit/Icon";
import { useChat } from "./state";

/** Says which of one's own messages were not accepted while one was away, until one has seen it. */
export default function Notices(): JSX.Element {
  const chat = useChat();
  const [list, setList] = createSignal<readonly Notice[]>([]);
  const ask = async (seen: bigint) => setList((await chat.client.commands.notices({ seen })).notices);
  createEffect(
    on(
      () => chat.connection().phase === "online",
      (online) => {
        if (online) ask(0n).catch(() => {}); // the next connection asks again
      },
    ),
  );
  const seen = () => void attempt(() => ask(list().reduce((last, n) => (n.at > last ? n.at : last), 0n)));
  return (
    <Show when={list().length > 0}>
      <section class="banner notices" aria-label={tn().notices.title}>
        <Icon name="alert" size={16} />
        <div class="banner-text" role="status">
          <For each={list()}>{(n) => <p>{tn().notices.text(n.count, n.name, dateTime(locale(), Number(n.time)), n.text, tn().notices.why[n.why] ?? "")}</p>}</For>
        </div>
        <Button small onClick={seen}>
          {tn().notices.seen}
        </Button>
      </section>
    </Show>
  );
}
