import { createSignal, Show, type JSX } from "solid-js";
import { ta } from "../../i18n/admin";
import { copyText, errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field, Select } from "../kit/Field";
import { useChat } from "../state";

const DAY = 86_400;

/** A link by which another node joins this one's federation. */
export function MakeNodeInvite(): JSX.Element {
  const chat = useChat();
  const [uses, setUses] = createSignal("1");
  const [valid, setValid] = createSignal(String(7 * DAY));
  const [note, setNote] = createSignal("");
  const [link, setLink] = createSignal("");
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      const made = await chat.client.commands.adminNodeInvite({ uses: Math.max(1, Math.floor(Number(uses())) || 1), validSeconds: Number(valid()), note: note().trim() });
      setLink(made.link);
      setNote("");
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form boxed" onSubmit={(e) => void submit(e)}>
      <h3>{ta().peers.invite}</h3>
      <p class="hint">{ta().peers.inviteHint}</p>
      <div class="form-row">
        <Field label={ta().peers.uses} type="number" min={1} max={1000} value={uses()} onInput={setUses} />
        <Select
          label={ta().validFor}
          value={valid()}
          options={[
            { value: String(DAY), label: ta().day },
            { value: String(7 * DAY), label: ta().week },
            { value: String(30 * DAY), label: ta().month },
          ]}
          onChange={setValid}
        />
      </div>
      <Field label={ta().note} hint={ta().noteHint} maxlength={100} value={note()} onInput={setNote} />
      <Show when={error()}>
        <p class="form-error" role="alert">
          {error()}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {ta().peers.make}
      </Button>
      <Show when={link()}>
        <div class="new-link" role="status">
          <p>{ta().peers.newLink}</p>
          <input class="link-field" type="text" readonly aria-label={ta().peers.copy} value={link()} onFocus={(e) => e.currentTarget.select()} />
          <Button look="primary" onClick={() => void copyText(link(), ta().peers.copied)}>
            {ta().peers.copy}
          </Button>
        </div>
      </Show>
    </form>
  );
}
