import { createSignal, For, Show, type JSX } from "solid-js";
import { tp } from "../../i18n/panels";
import { tn } from "../../i18n/nodes";
import { Dialog } from "../kit/Dialog";
import { Failed } from "../kit/Empty";
import { Field } from "../kit/Field";
import { UserAvatar } from "../kit/Avatar";
import { go, toRoom } from "../route";
import { elsewhere, useChat } from "../state";
import { createPeopleSearch } from "./people";
import { remoteError } from "./remote";

export default function NewConversation(props: { onClose: () => void }): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const { found, load } = createPeopleSearch(query, 20);
  const [asking, setAsking] = createSignal(""); // with whom the conversation is being made
  const [error, setError] = createSignal("");
  const start = async (user: string) => {
    if (asking()) return;
    setAsking(user);
    setError("");
    try {
      const room = await chat.client.commands.roomDirect({ user });
      props.onClose();
      go(toRoom(room.room));
    } catch (failure) {
      setError(remoteError(failure, elsewhere(chat, user)));
    } finally {
      setAsking("");
    }
  };
  return (
    <Dialog open title={tp().conversation.title} onClose={props.onClose}>
      <Field label={tp().conversation.label} hint={tn().people.hint} value={query()} error={error() || undefined} autofocus autocomplete="off" autocapitalize="none" spellcheck={false} onInput={(text) => (setQuery(text), setError(""))} />
      <Show when={!load.error()} fallback={<Failed text={load.error()} onRetry={load.again} />}>
        <p class="hint" role="status">
          {elsewhere(chat, asking()) ? tn().people.asking(elsewhere(chat, asking())) : query().trim() && !load.loading() && found().length === 0 ? tn().people.none : ""}
        </p>
        <ul class="pick-list tall">
          <For each={found()}>
            {(p) => (
              <li>
                <button type="button" class="pick" aria-label={p.node ? undefined : tp().conversation.start(p.name)} aria-busy={asking() === p.user} onClick={() => void start(p.user)}>
                  <UserAvatar user={p.user} size={32} presence />
                  <span class="pick-name">{p.node ? tn().people.write(p.user) : p.name}</span>
                  <span class="pick-detail">{p.node ? tn().people.elsewhere(p.node) : p.detail}</span>
                </button>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Dialog>
  );
}
