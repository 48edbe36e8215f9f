import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tn } from "../../i18n/nodes";
import { attempt, copyText } from "../errors";
import { UserAvatar } from "../kit/Avatar";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { Icon } from "../kit/Icon";
import { go, toRoom } from "../route";
import { elsewhere, nodeOf, useChat } from "../state";

/** Who somebody is and where they live; writing to them, and not hearing them. */
export default function PersonCard(props: { user: string; onClose: () => void }): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [busy, setBusy] = createSignal(false);
  const profile = () => chat.profile(props.user);
  const node = () => nodeOf(props.user);
  const away = () => elsewhere(chat, props.user);
  const me = () => props.user === chat.me()?.user;
  const userBlocked = () => chat.blocks().users.has(props.user);
  const nodeBlocked = () => chat.blocks().nodes.has(node());
  const run = async (work: () => Promise<unknown>) => {
    setBusy(true);
    const done = await attempt(work);
    setBusy(false);
    return done;
  };
  const write = async () => {
    let room = "";
    if (!(await run(async () => (room = (await commands.roomDirect({ user: props.user })).room)))) return;
    props.onClose();
    go(toRoom(room));
  };
  const block = (whom: { user: string } | { node: string }, on: boolean) => void run(() => commands.block({ ...whom, on }));
  return (
    <Dialog open title={chat.name(props.user)} class="person" onClose={props.onClose}>
      <div class="person-head">
        <UserAvatar user={props.user} size={72} presence />
        <div class="card-main">
          <p class="person-address" dir="ltr">
            {props.user}
          </p>
          <Show when={away()} fallback={<p class="hint">{`${tn().person.node}: ${tn().person.here}`}</p>}>
            <p class="hint">{`${tn().person.node}: ${away()}`}</p>
          </Show>
          <Show when={profile()?.status}>
            <p dir="auto">{profile()?.status}</p>
          </Show>
          <Show when={profile()?.disabled}>
            <p class="hint">{tn().person.disabled}</p>
          </Show>
        </div>
      </div>
      <Show when={userBlocked() || nodeBlocked()}>
        <p class="note" role="status">
          {userBlocked() ? tn().person.blocked : tn().person.nodeBlocked(node())}
        </p>
      </Show>
      <div class="person-actions">
        <Show when={!me()}>
          <Button look="primary" busy={busy()} onClick={() => void write()}>
            <Icon name="send" size={16} />
            {tn().person.write}
          </Button>
        </Show>
        <Button onClick={() => void copyText(props.user, tn().person.copied)}>
          <Icon name="copy" size={16} />
          {tn().person.copy}
        </Button>
        <Show when={!me()}>
          <Button look={userBlocked() ? "plain" : "danger"} busy={busy()} onClick={() => block({ user: props.user }, !userBlocked())}>
            {userBlocked() ? tn().person.unblock : tn().person.block}
          </Button>
          <Show when={away()}>
            <Button look={nodeBlocked() ? "plain" : "danger"} busy={busy()} onClick={() => block({ node: node() }, !nodeBlocked())}>
              {nodeBlocked() ? tn().person.unblockNode(node()) : tn().person.blockNode(node())}
            </Button>
          </Show>
        </Show>
      </div>
      <div class="dialog-actions">
        <Button onClick={() => props.onClose()}>{t().common.close}</Button>
      </div>
    </Dialog>
  );
}
