import { createSignal, Show, type JSX } from "solid-js";
import { ts } from "../../i18n/settings";
import { errorText } from "../errors";
import { useChat } from "../state";
import { Button } from "./Button";
import { fitting } from "./picture";

/** Chooses a picture, makes it small enough, uploads it and hands on the blob's id. */
export function PictureField(props: { label: string; preview: JSX.Element; current: string; onPicture: (blob: string) => Promise<unknown> }): JSX.Element {
  const chat = useChat();
  const [error, setError] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  let input: HTMLInputElement | undefined;

  const save = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setError("");
    try {
      await work();
    } catch (e) {
      setError(errorText(e));
    } finally {
      setBusy(false);
    }
  };
  const upload = async (file: File) => {
    const picture = await fitting(file).catch(() => null);
    if (picture) await props.onPicture(await chat.client.upload(picture));
    else setError(ts().pictureType);
  };
  const choose = (file: File | undefined) => {
    if (input) input.value = "";
    if (file) void save(() => upload(file));
  };
  return (
    <div class="picture-field">
      {props.preview}
      <div>
        <input ref={input} type="file" accept="image/*" hidden aria-label={props.label} onChange={(e) => choose(e.currentTarget.files?.[0])} />
        <div class="panel-row">
          <Button busy={busy()} onClick={() => input?.click()}>
            {props.label}
          </Button>
          <Show when={props.current}>
            <Button look="quiet" disabled={busy()} onClick={() => void save(() => props.onPicture(""))}>
              {ts().removePicture}
            </Button>
          </Show>
        </div>
        <p class="hint">{ts().pictureHint}</p>
        <Show when={error()}>
          <p class="field-error" role="alert">
            {error()}
          </p>
        </Show>
      </div>
    </div>
  );
}
