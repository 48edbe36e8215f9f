import { createSignal, For, Show, type JSX } from "solid-js";
import type { File as Attached } from "../../gen/room_pb";
import { byteSize } from "../../i18n/size";
import { locale, t } from "../../i18n";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { Icon } from "../kit/Icon";
import { useChat, type State } from "../state";

/** Larger pictures are shown when somebody asks for them. */
const MAX_SHOWN = 12 * 1024 * 1024;
/** Pixels that a picture may take in the timeline. */
const MAX_WIDTH = 380;
const MAX_HEIGHT = 300;
const pictures = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

const isPicture = (file: Attached): boolean => pictures.has(file.type) && file.width > 0 && Number(file.size) <= MAX_SHOWN;

/** What is attached to a message. */
export function Files(props: { files: readonly Attached[] }): JSX.Element {
  return (
    <Show when={props.files.length > 0}>
      <ul class="files" aria-label={t().files.label}>
        <For each={props.files}>
          {(file) => (
            <li>
              <Show when={isPicture(file)} fallback={<FileCard file={file} />}>
                <Picture file={file} />
              </Show>
            </li>
          )}
        </For>
      </ul>
    </Show>
  );
}

/** Hands a file to the browser to keep; never opens it here. */
export function saveFile(chat: State, blob: string, name: string): Promise<unknown> {
  return attempt(async () => {
    const bytes = await chat.client.file(blob);
    const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
}

function FileCard(props: { file: Attached }): JSX.Element {
  const chat = useChat();
  const [busy, setBusy] = createSignal(false);
  const size = () => byteSize(locale(), Number(props.file.size));
  const save = async () => {
    setBusy(true);
    await saveFile(chat, props.file.blob, props.file.name);
    setBusy(false);
  };
  return (
    <button type="button" class="file-card" aria-busy={busy()} disabled={busy()} aria-label={t().files.save(props.file.name, size())} onClick={() => void save()}>
      <Icon name="file" size={20} />
      <span class="file-name">{props.file.name}</span>
      <span class="file-size">{busy() ? t().files.fetching : size()}</span>
    </button>
  );
}

function Picture(props: { file: Attached }): JSX.Element {
  const chat = useChat();
  const [open, setOpen] = createSignal(false);
  const url = () => chat.blobUrl(props.file.blob);
  const scale = () => Math.min(1, MAX_WIDTH / props.file.width, MAX_HEIGHT / props.file.height);
  return (
    <>
      <button type="button" class="file-picture" aria-label={t().files.open(props.file.name)} title={props.file.name} style={{ width: `${Math.max(48, Math.round(props.file.width * scale()))}px`, "aspect-ratio": `${props.file.width} / ${props.file.height}` }} onClick={() => setOpen(true)}>
        <Show when={url()}>{(src) => <img src={src()} alt={props.file.name} draggable={false} />}</Show>
      </button>
      <Dialog open={open()} wide class="picture-dialog" title={props.file.name} onClose={() => setOpen(false)}>
        <Show when={url()}>{(src) => <img class="picture-full" src={src()} alt={props.file.name} />}</Show>
        <div class="dialog-actions">
          <Button onClick={() => void saveFile(chat, props.file.blob, props.file.name)}>{t().files.keep}</Button>
        </div>
      </Dialog>
    </>
  );
}
