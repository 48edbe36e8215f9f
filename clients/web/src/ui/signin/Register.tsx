import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tr } from "../../i18n/register";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { go } from "../route";
import { useChat } from "../state";
import { MIN_PASSWORD } from "./rules";

const USERNAME = /^[a-z0-9._-]{2,32}$/;

export default function Register(props: { invite: string; admin: boolean; onSignIn: () => void }): JSX.Element {
  const chat = useChat();
  const [username, setUsername] = createSignal("");
  const [displayName, setDisplayName] = createSignal("");
  const [password, setPassword] = createSignal("");
  const [wrong, setWrong] = createSignal<{ username?: string; password?: string; form?: string }>({});
  const [busy, setBusy] = createSignal(false);

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const bad = { username: USERNAME.test(username()) ? undefined : tr().badUsername, password: password().length >= MIN_PASSWORD ? undefined : tr().shortPassword };
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
      <h1>{tr().welcome}</h1>
      <Show when={props.invite}>
        <p class="card-note">
          <Icon name={props.admin ? "shield" : "check"} />
          {props.admin ? tr().admin : tr().invited}
        </p>
      </Show>
      <Field label={t().signIn.username} name="username" autocomplete="username" autocapitalize="none" spellcheck={false} autofocus value={username()} hint={tr().usernameHint} error={wrong().username} onInput={(v) => setUsername(v.trim().toLowerCase())} />
      <Field label={tr().displayName} name="name" autocomplete="name" maxlength={64} value={displayName()} hint={tr().displayNameHint} onInput={setDisplayName} />
      <Field label={t().signIn.password} name="password" type="password" autocomplete="new-password" value={password()} hint={tr().passwordHint} error={wrong().password} onInput={setPassword} />
      <Show when={wrong().form}>
        <p class="form-error" role="alert">
          {wrong().form}
        </p>
      </Show>
      <Button type="submit" look="primary" busy={busy()}>
        {busy() ? tr().busy : tr().submit}
      </Button>
      <p class="card-foot">
        {tr().have}{" "}
        <button type="button" class="link-button" onClick={() => props.onSignIn()}>
          {tr().signIn}
        </button>
      </p>
    </form>
  );
}
