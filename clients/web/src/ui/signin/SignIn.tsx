import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field } from "../kit/Field";
import { useChat } from "../state";

export function SignIn(props: { registration: string; onRegister: () => void }): JSX.Element {
  const chat = useChat();
  const [username, setUsername] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [wrong, setWrong] = createSignal<{ username?: string; password?: string; form?: string }>({});
  const [busy, setBusy] = createSignal(false);

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const missing = { username: username().trim() ? undefined : t().signIn.missingUsername, password: password() ? undefined : t().signIn.missingPassword };
    setWrong(missing);
    if (missing.username || missing.password || busy()) return;
    setBusy(true);
    try {
      await chat.client.login(username().trim(), password());
    } catch (error) {
      setWrong({ form: errorText(error) });
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="card-form" onSubmit={(e) => void submit(e)} novalidate>
      <h1>{t().signIn.welcome}</h1>
      <Field label={t().signIn.username} name="username" autocomplete="username" autocapitalize="none" spellcheck={false} autofocus value={username()} error={wrong().username} onInput={setUsername} />
      <Field label={t().signIn.password} name="password" type="password" autocomplete="current-password" value={password()} error={wrong().password} onInput={setPassword} />
      <Show when={wrong().form}>
        <p class="form-error" role="alert">
          {wrong().form}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {busy() ? t().signIn.busy : t().signIn.submit}
      </Button>
      <p class="card-foot">
        <Show when={props.registration === "open"} fallback={props.registration === "closed" ? t().signIn.closed : props.registration === "invite" ? t().signIn.needInvite : ""}>
          {t().signIn.noAccount}{" "}
          <button type="button" class="link-button" onClick={() => props.onRegister()}>
            {t().signIn.create}
          </button>
        </Show>
      </p>
    </form>
  );
}
