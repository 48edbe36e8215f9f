import { createSignal, Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { errorText } from "../errors";
import { Button } from "../kit/Button";
import { Check, Field } from "../kit/Field";
import { PictureField } from "../kit/PictureField";
import { notify } from "../kit/Toast";
import { RoomAvatar } from "../rooms/RoomAvatar";
import { localPart, useChat } from "../state";

/** Name, topic, address, picture and visibility: only what was changed is sent. */
export function RoomSettings(props: { room: RoomSummary }): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const aliasNow = () => localPart(props.room.alias).replace(/^#/, "");
  const [name, setName] = createSignal(props.room.name);
  const [topic, setTopic] = createSignal(props.room.topic);
  const [alias, setAlias] = createSignal(aliasNow());
  const [isPublic, setPublic] = createSignal(props.room.public);
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const save = async (e: SubmitEvent) => {
    e.preventDefault();
    const settings: { name?: string; topic?: string; alias?: string; public?: boolean } = {};
    if (name().trim() !== props.room.name) settings.name = name().trim();
    if (topic().trim() !== props.room.topic) settings.topic = topic().trim();
    if (alias() !== aliasNow()) settings.alias = alias();
    if (isPublic() !== props.room.public) settings.public = isPublic();
    if (Object.keys(settings).length === 0) return notify(t().common.saved);
    setBusy(true);
    setError("");
    try {
      const { waiting } = await commands.roomSet({ room: props.room.room, settings });
      notify(waiting > 0 ? t().room.asked : t().common.saved); // the room's home may be away
    } catch (err) {
      setError(errorText(err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section>
      <PictureField label={tp().info.changePicture} current={props.room.avatar} preview={<RoomAvatar room={props.room} size={48} />} onPicture={(avatar) => commands.roomSet({ room: props.room.room, settings: { avatar } })} />
      <form class="form" onSubmit={(e) => void save(e)}>
        <Field label={tp().info.name} value={name()} maxlength={100} onInput={setName} />
        <Field label={tp().info.topic} value={topic()} maxlength={500} onInput={setTopic} />
        <Field label={tp().info.alias} value={alias()} hint={tp().newRoom.aliasHint} autocapitalize="none" onInput={(v) => setAlias(v.trim().replace(/^#/, "").toLowerCase())} />
        <Check label={tp().info.public} checked={isPublic()} onChange={setPublic} />
        <Show when={error()}>
          <p class="form-error" role="alert">
            {error()}
          </p>
        </Show>
        <Button type="submit" look="primary" busy={busy()}>
          {tp().info.save}
        </Button>
      </form>
    </section>
  );
}
