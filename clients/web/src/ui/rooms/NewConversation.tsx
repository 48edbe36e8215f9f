import { createSignal, For, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { attempt } from "../errors";
import { Dialog } from "../kit/Dialog";
import { Failed } from "../kit/Empty";
import { Field } from "../kit/Field";
import { UserAvatar } from "../kit/Avatar";
import { createDebounced, createLoad } from "../kit/load";
import { go, toRoom } from "../route";
import { useChat } from "../state";

export default function NewConversation(props: { onClose: () => void }): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const still = createDebounced(query, 150);
  const found = createLoad(still, async (q) => (q.trim() ? (await chat.client.commands.userFind({ query: q.trim(), limit: 20 })).profiles : []));
  const start = async (user: string) => {
    await attempt(async () => {
      const room = await chat.client.commands.roomDirect({ user });
      props.onClose();
      go(toRoom(room.room));
    });
  };
  return (
    <Dialog open title={t().conversation.title} onClose={props.onClose}>
      <Field label={t().conversation.label} hint={t().conversation.hint} value={query()} autofocus autocomplete="off" onInput={setQuery} />
      <Show when={!found.error()} fallback={<Failed text={found.error()} onRetry={found.again} />}>
        <ul class="pick-list tall">
          <For each={(found.value() ?? []).filter((p) => p.user !== chat.me()?.user)}>
            {(p) => (
              <li>
                <button type="button" class="pick" aria-label={t().conversation.start(p.displayName || p.user)} onClick={() => void start(p.user)}>
                  <UserAvatar user={p.user} size={32} presence />
                  <span class="pick-name">{p.displayName || p.user}</span>
                  <span class="pick-detail">{p.status || p.user}</span>
                </button>
              </li>
            )}
          </For>
        </ul>
        <Show when={still().trim() && !found.loading() && (found.value() ?? []).length === 0}>
          <p class="hint">{t().conversation.none}</p>
        </Show>
      </Show>
    </Dialog>
  );
}
