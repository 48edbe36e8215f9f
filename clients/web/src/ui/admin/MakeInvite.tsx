import { createSignal, Show, type JSX } from "solid-js";
import type { Invite } from "../../gen/client_pb";
import { ta } from "../../i18n/admin";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Check, Field, Select } from "../kit/Field";
import { useChat } from "../state";

const DAY = 86_400;

export function MakeInvite(props: { onMade: (invite: Invite) => void }): JSX.Element {
  const chat = useChat();
  const [uses, setUses] = createSignal("1");
  const [valid, setValid] = createSignal(String(7 * DAY));
  const [admin, setAdmin] = createSignal(false);
  const [note, setNote] = createSignal("");
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      props.onMade(await chat.client.commands.adminInviteCreate({ uses: Math.max(1, Math.floor(Number(uses())) || 1), validSeconds: Number(valid()), admin: admin(), note: note().trim() }));
      setNote("");
    } catch (err) {
      setError(errorText(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form boxed" onSubmit={(e) => void submit(e)}>
      <div class="form-row">
        <Field label={ta().uses} type="number" min={1} max={1000} value={uses()} onInput={setUses} />
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
      <Check label={ta().forAdmin} checked={admin()} onChange={setAdmin} />
      <Show when={error()}>
        <p class="form-error" role="alert">
          {error()}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {ta().makeInvite}
      </Button>
    </form>
  );
}
