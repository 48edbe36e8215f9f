import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { go } from "../route";
import { useChat } from "../state";

const USERNAME = /^[a-z0-9._-]{2,32}$/;
export const MIN_PASSWORD = 8;

export function Register(props: { invite: string; admin: boolean; onSignIn: () => void }): JSX.Element {
  const chat = useChat();
  const [username, setUsername] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [wrong, setWrong] = createSignal<{ username?: string; password?: string; form?: string }>({});
  const [busy, setBusy] = createSignal(false);

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const bad = { username: USERNAME.test(username()) ? undefined : t().register.badUsername, password: password().length >= MIN_PASSWORD ? undefined : t().register.shortPassword };
    setWrong(bad);
    if (bad.username || bad.password || busy()) return;
    setBusy(true);
    try {
      await chat.client.register({ username: username(), password: password(), invite: props.invite, displayName: displayName().trim() });
      go("#/", true);
    } catch (error) {
      setWrong({ form: errorText(error) });
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="card-form" onSubmit={(e) => void submit(e)} novalidate>
      <h1>{t().register.welcome}</h1>
      <Show when={props.invite}>
        <p class="card-note">
          <Icon name={props.admin ? "shield" : "check"} />
          {props.admin ? t().register.admin : t().register.invited}
        </p>
      </Show>
      <Field label={t().signIn.username} name="username" autocomplete="username" autocapitalize="none" spellcheck={false} autofocus value={username()} hint={t().register.usernameHint} error={wrong().username} onInput={(v) => setUsername(v.trim().toLowerCase())} />
      <Field label={t().register.displayName} name="name" autocomplete="name" maxlength={64} value={displayName()} hint={t().register.displayNameHint} onInput={setDisplayName} />
      <Field label={t().signIn.password} name="password" type="password" autocomplete="new-password" value={password()} hint={t().register.passwordHint} error={wrong().password} onInput={setPassword} />
      <Show when={wrong().form}>
        <p class="form-error" role="alert">
          {wrong().form}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {busy() ? t().register.busy : t().register.submit}
      </Button>
      <p class="card-foot">
        {t().register.have}{" "}
        <button type="button" class="link-button" onClick={() => props.onSignIn()}>
          {t().register.signIn}
        </button>
      </p>
    </form>
  );
}
