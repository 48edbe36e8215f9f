import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { ts } from "../../i18n/settings";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Field } from "../kit/Field";
import { PictureField } from "../kit/PictureField";
import { UserAvatar } from "../kit/Avatar";
import { notify } from "../kit/Toast";
import { useChat } from "../state";

export function ProfileForm(): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const profile = () => chat.me()?.profile;
  const [displayName, setDisplayName] = createSignal(profile()?.displayName ?? "");
  const [status, setStatus] = createSignal(profile()?.status ?? "");
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const save = async (e: SubmitEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await commands.profileSet({ displayName: displayName().trim(), status: status().trim() });
      notify(t().common.saved);
    } catch (err) {
      setError(errorText(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <PictureField label={ts().upload} current={profile()?.avatar ?? ""} preview={<UserAvatar user={chat.me()?.user ?? ""} size={64} />} onPicture={(avatar) => commands.profileSet({ avatar })} />
      <form class="form" onSubmit={(e) => void save(e)}>
        <Field label={ts().displayName} hint={ts().displayNameHint} value={displayName()} maxlength={64} autocomplete="name" onInput={setDisplayName} />
        <Field label={ts().status} hint={ts().statusHint} value={status()} maxlength={100} onInput={setStatus} />
        <Show when={error()}>
          <p class="form-error" role="alert">
            {error()}
          </p>
        </Show>
        <Button type="submit" look="primary" busy={busy()}>
          {ts().saveProfile}
        </Button>
      </form>
    </>
  );
}
