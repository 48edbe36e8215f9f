import type { JSX } from "solid-js";
import { ts } from "../../i18n/settings";
import { tn } from "../../i18n/nodes";
import { Button } from "../kit/Button";
import { Page } from "../Page";
import { useChat } from "../state";
import { windows } from "../windows";
import { Appearance } from "./Appearance";
import { Blocked } from "./Blocked";
import { Devices } from "./Devices";
import { Notifications } from "./Notifications";
import { PasswordForm } from "./PasswordForm";
import { ProfileForm } from "./ProfileForm";

export default function Settings(): JSX.Element {
  const chat = useChat();
  return (
    <Page title={ts().title}>
      <Section title={ts().profile}>
        <ProfileForm />
      </Section>
      <Section title={ts().appearance}>
        <Appearance />
      </Section>
      <Section title={ts().notifications}>
        <Notifications />
      </Section>
      <Section title={tn().blocks.title}>
        <Blocked />
      </Section>
      <Section title={ts().devices}>
        <Devices />
      </Section>
      <Section title={ts().password}>
        <PasswordForm />
      </Section>
      <Section title={ts().account}>
        <p class="hint">{ts().signedInAs(chat.me()?.user ?? "")}</p>
        <Button look="danger" onClick={() => windows.open("signOut")}>
          {ts().signOut}
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
