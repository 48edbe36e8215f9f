import { Index, Show, type JSX } from "solid-js";
import { locale, t } from "../../i18n";
import { byteSize } from "../../i18n/size";
import { IconButton } from "../kit/Button";
import { Icon } from "../kit/Icon";
import type { Attachments } from "./attachments";

/** Above the text field: what the message will take along. */
export function AttachmentList(props: { of: Attachments }): JSX.Element {
  return (
    <Show when={props.of.list().length > 0}>
      <ul class="attachments" aria-label={t().files.label}>
        <Index each={props.of.list()}>
          {(upload) => (
            <li class="attachment" classList={{ failed: upload().error !== "" }}>
              <Icon name={upload().error ? "alert" : "file"} size={16} />
              <span class="file-name">{upload().name}</span>
              <Show when={!upload().error} fallback={<span class="field-error" role="alert">{upload().error}</span>}>
                <Show when={!upload().done} fallback={<span class="file-size">{byteSize(locale(), upload().size)}</span>}>
                  <progress max="1" value={upload().part} aria-label={t().files.uploading(upload().name)} />
                </Show>
              </Show>
              <IconButton icon="close" size={14} label={t().files.remove(upload().name)} onClick={() => props.of.remove(upload().id)} />
            </li>
          )}
        </Index>
      </ul>
    </Show>
  );
}
