import { Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { copyText } from "../errors";
import { IconButton } from "../kit/Button";

export function CodeBlock(props: { lang: string; code: string }): JSX.Element {
  return (
    <div class="code-block">
      <Show when={props.lang}>
        <span class="code-lang">{props.lang}</span>
      </Show>
      <IconButton class="code-copy" icon="copy" size={16} label={t().timeline.copyCode} onClick={() => void copyText(props.code, t().common.copied)} />
      <pre tabindex="0">
        <code>{props.code}</code>
      </pre>
    </div>
  );
}
