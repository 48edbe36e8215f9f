import type { JSX } from "solid-js";
import { t } from "../../i18n";
import { Button } from "../kit/Button";
import { Page } from "../Page";
import { useChat } from "../state";
import { windows } from "../windows";
import { Appearance } from "./Appearance";
import { Devices } from "./Devices";
import { Notifications } from "./Notifications";
import { PasswordForm } from "./PasswordForm";
import { ProfileForm } from "./ProfileForm";

export default function Settings(): JSX.Element {
  const chat = useChat();
  return (
    <Page title={t().settings.title}>
      <Section title={t().settings.profile}>
        <ProfileForm />
      </Section>
      <Section title={t().settings.appearance}>
        <Appearance />
      </Section>
      <Section title={t().settings.notifications}>
        <Notifications />
      </Section>
      <Section title={t().settings.devices}>
        <Devices />
      </Section>
      <Section title={t().settings.password}>
        <PasswordForm />
      </Section>
      <Section title={t().settings.account}>
        <p class="hint">{t().settings.signedInAs(chat.me()?.user ?? "")}</p>
        <Button look="danger" onClick={() => windows.open("signOut")}>
          {t().settings.signOut}
        </Button>
      </Section>
    </Page>
  );
}

function Section(props: { title: string; children: JSX.Element }): JSX.Element {
  return (
    <section class="settings-section">
      <h2>{props.title}</h2>
      {props.children}
    </section>
  );
}
