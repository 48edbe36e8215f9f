import { createSignal, For, Show, type JSX } from "solid-js";
import { tn } from "../../i18n/nodes";
import { attempt, errorText } from "../errors";
import { UserAvatar } from "../kit/Avatar";
import { Button } from "../kit/Button";
import { Field } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { notify } from "../kit/Toast";
import { nodeName, userAddress } from "../rooms/address";
import { useChat } from "../state";

type Whom = { user: string } | { node: string };

/** Whom one does not want to hear, and a way to block more and to lift a block. */
export function Blocked(): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [name, setName] = createSignal("");
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const users = () => [...chat.blocks().users].sort();
  const nodes = () => [...chat.blocks().nodes].sort();
  const read = (): Whom | undefined => {
    const user = userAddress(name());
    if (user) return { user: user.full };
    const node = nodeName(name());
    return node ? { node } : undefined;
  };
  const add = async (e: SubmitEvent) => {
    e.preventDefault();
    const whom = read();
    if (!whom) return void setError(tn().blocks.wrong);
    setBusy(true);
    setError("");
    try {
      await commands.block({ ...whom, on: true });
      notify(tn().blocks.done(name().trim()));
      setName("");
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  const lift = (whom: Whom) => void attempt(() => commands.block({ ...whom, on: false }));
  return (
    <>
      <p class="hint">{tn().blocks.hint}</p>
      <Show when={users().length + nodes().length > 0} fallback={<p>{tn().blocks.none}</p>}>
        <ul class="plain-list">
          <For each={users()}>
            {(user) => (
              <li class="plain-item">
                <UserAvatar user={user} size={32} />
                <div class="card-main">
                  <span class="card-title">{chat.name(user)}</span>
                  <span class="card-detail">{user}</span>
                </div>
                <Button small aria-label={tn().blocks.unblockOf(user)} onClick={() => lift({ user })}>
                  {tn().blocks.unblock}
                </Button>
              </li>
            )}
          </For>
          <For each={nodes()}>
            {(node) => (
              <li class="plain-item">
                <Icon name="mute" />
                <div class="card-main">
                  <span class="card-title">{node}</span>
                  <span class="card-detail">{tn().blocks.wholeNode}</span>
                </div>
                <Button small aria-label={tn().blocks.unblockOf(node)} onClick={() => lift({ node })}>
                  {tn().blocks.unblock}
                </Button>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <form class="form" onSubmit={(e) => void add(e)} novalidate>
        <Field label={tn().blocks.add} hint={tn().blocks.addHint} value={name()} error={error() || undefined} autocapitalize="none" spellcheck={false} autocomplete="off" onInput={(text) => (setName(text), setError(""))} />
        <Button type="submit" busy={busy()} disabled={!name().trim()}>
          {tn().blocks.block}
        </Button>
      </form>
    </>
  );
}
