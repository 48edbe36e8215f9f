import { type JSX } from "solid-js";
import { tn } from "../i18n/nodes";
import { copyText } from "./errors";
import { Button } from "./kit/Button";
import { Empty } from "./kit/Empty";
import { Icon } from "./kit/Icon";
import { go } from "./route";

/** Where somebody has opened a node's invite link in a browser: what it is for. */
export default function NodeLink(props: { name: string }): JSX.Element {
  const link = location.href;
  return (
    <main class="home" id="main" tabindex="-1">
      <Empty flame title={tn().link.title(props.name)} hint={tn().link.hint}>
        <code class="node-link" dir="ltr">{`hearth join ${link}`}</code>
        <div class="dialog-actions">
          <Button look="primary" onClick={() => void copyText(link, tn().link.copied)}>
            <Icon name="copy" size={16} />
            {tn().link.copy}
          </Button>
          <Button onClick={() => go("#/", true)}>{tn().link.go}</Button>
        </div>
      </Empty>
    </main>
  );
}
