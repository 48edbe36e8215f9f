import { createSignal, Match, Show, Suspense, Switch, type JSX } from "solid-js";
import { language, t } from "../../i18n";
import { Failed, Skeleton } from "../kit/Empty";
import { Flame } from "../kit/Icon";
import { createLoad } from "../kit/load";
import { late } from "../late";
import { go, route } from "../route";
import { useChat } from "../state";
import { SignIn } from "./SignIn";

const Register = late(() => import("./Register"));

/** What people without a session see: sign in, or make an account where the node lets them. */
export function Welcome(): JSX.Element {
  const chat = useChat();
  const invite = () => {
    const now = route();
    return now.page === "invite" ? now.secret : "";
  };
  const info = createLoad(invite, (secret) => chat.client.commands.serverInfo({ invite: secret }));
  const [registering, setRegistering] = createSignal(false);
  const mayRegister = () => (invite() ? info.value()?.inviteValid === true : registering() && info.value()?.registration === "open");
  /** Why the session here has ended, where it was not this page that ended it. */
  const reason = () => (chat.connection().reason && language() !== "en" ? t().signIn.ended : chat.connection().reason);
  const toSignIn = () => {
    setRegistering(false);
    if (invite()) go("#/", true);
  };
  return (
    <main class="welcome">
      <div class="welcome-card">
        <div class="welcome-brand">
          <Flame size={44} />
          <span class="welcome-name">{t().app.name}</span>
          <Show when={info.value()?.name} fallback={<span class="hint">{t().app.tagline}</span>}>
            <span class="welcome-node">{info.value()?.name}</span>
          </Show>
        </div>
        <Show when={reason()}>
          <p class="card-note ended" role="status">
            {reason()}
          </p>
        </Show>
        <Switch fallback={<SignIn registration={info.value()?.registration ?? ""} onRegister={() => setRegistering(true)} />}>
          <Match when={info.error()}>
            <Failed text={info.error()} onRetry={info.again} />
            <SignIn registration="" onRegister={() => {}} />
          </Match>
          <Match when={invite() && info.loading()}>
            <Skeleton lines={4} />
          </Match>
          <Match when={mayRegister()}>
            <Suspense fallback={<Skeleton lines={4} />}>
              <Register invite={invite()} admin={info.value()?.inviteAdmin ?? false} onSignIn={toSignIn} />
            </Suspense>
          </Match>
          <Match when={invite()}>
            <p class="form-error" role="alert">
              {t().signIn.invalidInvite}
            </p>
            <SignIn registration={info.value()?.registration ?? ""} onRegister={() => (go("#/", true), setRegistering(true))} />
          </Match>
        </Switch>
      </div>
    </main>
  );
}
