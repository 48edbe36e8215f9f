import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tr } from "../../i18n/register";
import { ta } from "../../i18n/admin";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { Check, Field } from "../kit/Field";
import { notify } from "../kit/Toast";
import { MIN_PASSWORD } from "../signin/rules";
import { useChat } from "../state";

export function AddUser(props: { onClose: () => void; onAdded: () => void }): JSX.Element {
  const chat = useChat();
  const [username, setUsername] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [admin, setAdmin] = createSignal(false);
  const [wrong, setWrong] = createSignal<{ username?: string; password?: string; form?: string }>({});
  const [busy, setBusy] = createSignal(false);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const bad = { username: /^[a-z0-9._-]{2,32}$/.test(username()) ? undefined : tr().badUsername, password: password().length >= MIN_PASSWORD ? undefined : tr().shortPassword };
    setWrong(bad);
    if (bad.username || bad.password || busy()) return;
    setBusy(true);
    try {
      const profile = await chat.client.commands.adminUserAdd({ username: username(), displayName: displayName().trim(), password: password(), admin: admin() });
      notify(ta().userAdded(profile.displayName || profile.user));
      props.onAdded();
      props.onClose();
    } catch (error) {
      setWrong({ form: errorText(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open title={ta().addUser} onClose={props.onClose}>
      <form class="form" onSubmit={(e) => void submit(e)} novalidate autocomplete="off">
        <Field label={t().signIn.username} autocapitalize="none" spellcheck={false} autocomplete="off" autofocus hint={tr().usernameHint} value={username()} error={wrong().username} onInput={(v) => setUsername(v.trim().toLowerCase())} />
        <Field label={tr().displayName} maxlength={64} autocomplete="off" value={displayName()} onInput={setDisplayName} />
        <Field label={t().signIn.password} type="password" autocomplete="new-password" hint={tr().passwordHint} value={password()} error={wrong().password} onInput={setPassword} />
        <Check label={ta().makeAdmin} checked={admin()} onChange={setAdmin} />
        <Show when={wrong().form}>
          <p class="form-error" role="alert">
            {wrong().form}
          </p>
        </Show>
        <div class="dialog-actions">
          <Button onClick={() => props.onClose()}>{t().common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy()}>
            {ta().addUser}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
