import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Check, Field } from "../kit/Field";
import { notify } from "../kit/Toast";
import { MIN_PASSWORD } from "../signin/Register";
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
    const bad = { before: before() ? undefined : t().signIn.missingPassword, after: after().length >= MIN_PASSWORD ? undefined : t().register.shortPassword };
    setWrong(bad);
    if (bad.before || bad.after) return;
    setBusy(true);
    try {
      await chat.client.commands.passwordChange({ oldPassword: before(), newPassword: after(), revokeOthers: revoke() });
      setBefore("");
      setAfter("");
      notify(t().settings.passwordChanged);
    } catch (err) {
      setWrong({ form: errorText(err) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={(e) => void save(e)} novalidate>
      <input type="text" name="username" autocomplete="username" hidden value={chat.me()?.user ?? ""} />
      <Field label={t().settings.oldPassword} type="password" autocomplete="current-password" value={before()} error={wrong().before} onInput={setBefore} />
      <Field label={t().settings.newPassword} type="password" autocomplete="new-password" hint={t().register.passwordHint} value={after()} error={wrong().after} onInput={setAfter} />
      <Check label={t().settings.revokeOthers} checked={revoke()} onChange={setRevoke} />
      <Show when={wrong().form}>
        <p class="form-error" role="alert">
          {wrong().form}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {t().settings.changePassword}
      </Button>
    </form>
  );
}
