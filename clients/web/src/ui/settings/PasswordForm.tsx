import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tr } from "../../i18n/register";
import { ts } from "../../i18n/settings";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Check, Field } from "../kit/Field";
import { notify } from "../kit/Toast";
import { MIN_PASSWORD } from "../signin/rules";
import { useChat } from "../state";

export function PasswordForm(): JSX.Element {
  const chat = useChat();
  const [before, setBefore] = createSignal("");
  const [after, setAfter] = createSignal("");
  const [revoke, setRevoke] = createSignal(true);
  const [wrong, setWrong] = createSignal<{ before?: string; after?: string; form?: string }>({});
  const [busy, setBusy] = createSignal(false);
  const save = async (e: SubmitEvent) => {
    e.preventDefault();
    const bad = { before: before() ? undefined : t().signIn.missingPassword, after: after().length >= MIN_PASSWORD ? undefined : tr().shortPassword };
    setWrong(bad);
    if (bad.before || bad.after) return;
    setBusy(true);
    try {
      await chat.client.commands.passwordChange({ oldPassword: before(), newPassword: after(), revokeOthers: revoke() });
      setBefore("");
      setAfter("");
      notify(ts().passwordChanged);
    } catch (err) {
      setWrong({ form: errorText(err) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={(e) => void save(e)} novalidate>
      <input type="text" name="username" autocomplete="username" hidden value={chat.me()?.user ?? ""} />
      <Field label={ts().oldPassword} type="password" autocomplete="current-password" value={before()} error={wrong().before} onInput={setBefore} />
      <Field label={ts().newPassword} type="password" autocomplete="new-password" hint={tr().passwordHint} value={after()} error={wrong().after} onInput={setAfter} />
      <Check label={ts().revokeOthers} checked={revoke()} onChange={setRevoke} />
      <Show when={wrong().form}>
        <p class="form-error" role="alert">
          {wrong().form}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {ts().changePassword}
      </Button>
    </form>
  );
}
