import { createSignal, type JSX } from "solid-js";
import { ta } from "../../i18n/admin";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field } from "../kit/Field";
import { notify } from "../kit/Toast";
import { useChat } from "../state";

/** Joins the federation of another node by its link, or makes a node known by its name. */
export function JoinNode(props: { onJoined: () => void }): JSX.Element {
  const chat = useChat();
  const [link, setLink] = createSignal("");
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    if (!link().trim()) return void setError(ta().peers.missingLink);
    setBusy(true);
    setError("");
    try {
      const peer = await chat.client.commands.adminNodeJoin({ link: link().trim() });
      notify(ta().peers.joined(peer.name));
      setLink("");
      props.onJoined();
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form boxed" onSubmit={(e) => void submit(e)} novalidate>
      <h3>{ta().peers.join}</h3>
      <Field label={ta().peers.joinLabel} hint={ta().peers.joinHint} value={link()} error={error() || undefined} autocapitalize="none" autocomplete="off" spellcheck={false} onInput={(text) => (setLink(text), setError(""))} />
      <Button type="submit" look="primary" busy={busy()}>
        {busy() ? ta().peers.joining : ta().peers.joinButton}
      </Button>
    </form>
  );
}
