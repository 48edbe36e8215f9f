import { createSignal, Show, type JSX } from "solid-js";
import type { AdminBridgeLinkResponse, BridgeKind } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { tb } from "../../i18n/bridges";
import { dateTime } from "../../i18n/dates";
import { copyText, errorText } from "../errors";
import { Button } from "../kit/Button";
import { Check, Field } from "../kit/Field";
import { notify } from "../kit/Toast";
import { useChat } from "../state";
import { missing, SettingFields, type Values } from "./SettingFields";

/** Links a channel to a room, and shows the code that an operator over there has to say. */
export function LinkChannel(props: { bridge: string; kind: BridgeKind | undefined; onLinked: () => void }): JSX.Element {
  const chat = useChat();
  const [room, setRoom] = createSignal("");
  const [channel, setChannel] = createSignal("");
  const [values, setValues] = createSignal<Values>({});
  const [mine, setMine] = createSignal(false);
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [made, setMade] = createSignal<AdminBridgeLinkResponse | null>(null);
  const settings = () => props.kind?.linkSettings ?? [];
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const lacking = !room().trim() ? tb().room1 : !channel().trim() ? tb().channel : missing(settings(), values());
    if (lacking) return void setError(tb().missing(lacking));
    setBusy(true);
    setError("");
    try {
      const answer = await chat.client.commands.adminBridgeLink({ name: props.bridge, room: room().trim(), channel: channel().trim(), settings: { ...values() }, noConsent: mine() });
      setMade(answer.code ? answer : null);
      if (!answer.code) notify(tb().linked(channel().trim()));
      setChannel("");
      setValues({});
      props.onLinked();
    } catch (failure) {
      setError(errorText(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="form bridge-link-form" onSubmit={(e) => void submit(e)} novalidate aria-label={tb().link}>
      <div class="form-row">
        <Field label={tb().room1} hint={tb().roomHint} value={room()} autocapitalize="none" spellcheck={false} onInput={setRoom} />
        <Field label={tb().channel} placeholder={props.kind?.channelHint} value={channel()} autocapitalize="none" spellcheck={false} onInput={setChannel} />
      </div>
      <SettingFields settings={settings()} values={values()} hidden={[]} onChange={(key, value) => setValues({ ...values(), [key]: value })} />
      <Check label={tb().consent} checked={mine()} onChange={setMine} />
      <Show when={error()}>
        <p class="form-error" role="alert">
          {error()}
        </p>
      </Show>
      <Button type="submit" busy={busy()}>
        {tb().linkButton}
      </Button>
      <Show when={made()}>
        {(answer) => (
          <div class="new-link" role="status">
            <p>
              <strong>{tb().say}</strong>
            </p>
            <p dir="auto">{answer().instructions}</p>
            <input class="link-field" type="text" readonly aria-label={tb().code} value={answer().code} onFocus={(e) => e.currentTarget.select()} />
            <Button look="primary" onClick={() => void copyText(answer().code, tb().copied)}>
              {tb().copy}
            </Button>
            <p class="hint">{tb().ends(dateTime(locale(), Number(answer().expires)))}</p>
          </div>
        )}
      </Show>
    </form>
  );
}
