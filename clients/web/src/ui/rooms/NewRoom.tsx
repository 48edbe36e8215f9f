import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { tn } from "../../i18n/nodes";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { Choice, Field } from "../kit/Field";
import { go, toRoom } from "../route";
import { useChat } from "../state";
import { newKey } from "../timeline/messageActions";
import { PeoplePicker } from "./PeoplePicker";

export default function NewRoom(props: { onClose: () => void }): JSX.Element {
  const chat = useChat();
  const [name, setName] = createSignal("");
  const [alias, setAlias] = createSignal("");
  const [topic, setTopic] = createSignal("");
  const [who, setWho] = createSignal<"public" | "private">("private");
  const [invite, setInvite] = createSignal<readonly string[]>([]);
  const [wrong, setWrong] = createSignal<{ name?: string; alias?: string; form?: string }>({});
  const [busy, setBusy] = createSignal(false);
  const key = newKey(); // one room, however often the button is pressed

  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const bad = {
      name: name().trim() || alias() ? undefined : tp().newRoom.missingName,
      alias: !alias() || /^[a-z0-9._-]+$/.test(alias()) ? undefined : tp().newRoom.badAlias,
    };
    setWrong(bad);
    if (bad.name || bad.alias || busy()) return;
    setBusy(true);
    try {
      const room = await chat.client.commands.roomCreate({ name: name().trim(), alias: alias(), topic: topic().trim(), public: who() === "public", invite: [...invite()], key });
      props.onClose();
      go(toRoom(room.room));
    } catch (error) {
      setWrong({ form: errorText(error) });
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog open title={tp().newRoom.title} onClose={props.onClose}>
      <form class="form" onSubmit={(e) => void submit(e)} novalidate>
        <Field label={tp().newRoom.name} hint={tp().newRoom.nameHint} value={name()} error={wrong().name} maxlength={100} autofocus onInput={setName} />
        <Field label={tp().newRoom.alias} hint={tp().newRoom.aliasHint} value={alias()} error={wrong().alias} autocapitalize="none" spellcheck={false} onInput={(v) => setAlias(v.trim().replace(/^#/, "").toLowerCase())} />
        <Field label={tp().newRoom.topic} value={topic()} maxlength={500} onInput={setTopic} />
        <Choice
          label={tp().newRoom.visibility}
          value={who()}
          options={[
            { value: "private", label: tp().newRoom.private, hint: tp().newRoom.privateHint },
            { value: "public", label: tp().newRoom.public, hint: tp().newRoom.publicHint },
          ]}
          onChange={setWho}
        />
        <PeoplePicker label={tp().newRoom.invite} hint={tn().people.hint} chosen={invite()} onChange={setInvite} />
        <Show when={wrong().form}>
          <p class="form-error" role="alert">
            {wrong().form}
          </p>
        </Show>
        <div class="dialog-actions">
          <Button onClick={() => props.onClose()}>{t().common.cancel}</Button>
          <Button type="submit" look="primary" busy={busy()}>
            {tp().newRoom.create}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
