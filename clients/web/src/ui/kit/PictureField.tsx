import { createSignal, Show, type JSX } from "solid-js";
import { ts } from "../../i18n/settings";
import { errorText } from "../errors";
import { useChat } from "../state";
import { Button } from "./Button";

const TYPES = ["image/png", "image/jpeg", "image/webp"];
const MAX_BYTES = 2 * 1024 * 1024;

/** Chooses a picture, checks it here, uploads it and hands on the blob's id. */
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
  const choose = (file: File | undefined) => {
    if (input) input.value = "";
    if (!file) return;
    if (!TYPES.includes(file.type)) setError(ts().pictureType);
    else if (file.size > MAX_BYTES) setError(ts().pictureSize);
    else void save(async () => props.onPicture(await chat.client.upload(file)));
  };
  return (
    <div class="picture-field">
      {props.preview}
      <div>
        <input ref={input} type="file" accept={TYPES.join(",")} hidden aria-label={props.label} onChange={(e) => choose(e.currentTarget.files?.[0])} />
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
