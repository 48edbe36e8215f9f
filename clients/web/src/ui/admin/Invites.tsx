import { createSignal, For, Show, type JSX } from "solid-js";
import type { Invite } from "../../gen/client_pb";
import { locale, t } from "../../i18n";
import { ta } from "../../i18n/admin";
import { dateTime } from "../../i18n/dates";
import { copyText } from "../errors";
import { Button } from "../kit/Button";
import { Confirm } from "../kit/Confirm";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { MakeInvite } from "./MakeInvite";

export function Invites(): JSX.Element {
  const chat = useChat();
  const [made, setMade] = createSignal<Invite | null>(null);
  const [revoking, setRevoking] = createSignal<Invite | null>(null);
  const list = createLoad(
    () => true,
    () => chat.client.commands.adminInvites({}),
  );
  const revoke = async () => {
    const { id } = revoking()!;
    await chat.client.commands.adminInviteRevoke({ id });
    if (made()?.id === id) setMade(null);
    list.again();
  };
  const detail = (invite: Invite) =>
    [ta().usesLeft(invite.usesLeft), ta().expires(dateTime(locale(), Number(invite.expires))), ta().by(chat.name(invite.createdBy))].join(" · ");
  return (
    <>
      <MakeInvite onMade={(invite) => (setMade(invite), list.again())} />
      <Show when={made()}>
        {(invite) => (
          <div class="new-link" role="status">
            <p>{ta().newLink}</p>
            <div class="tools">
              <input class="link-field" type="text" readonly aria-label={ta().copyInvite} value={invite().link} onFocus={(e) => e.currentTarget.select()} />
              <Button look="primary" onClick={() => void copyText(invite().link, t().actions.linkCopied)}>
                {ta().copyInvite}
              </Button>
            </div>
          </div>
        )}
      </Show>
      <Show when={!list.error()} fallback={<Failed text={list.error()} onRetry={list.again} />}>
        <Show when={list.value()} fallback={<Skeleton lines={4} />}>
          <Show when={list.value()!.invites.length > 0} fallback={<Empty title={ta().noInvites} hint={ta().noInvitesHint} />}>
            <ul class="plain-list">
              <For each={list.value()?.invites}>
                {(invite) => (
                  <li class="plain-item">
                    <div class="card-main">
                      <span class="card-title">
                        {invite.note || ta().noNote}
                        <Show when={invite.admin}>
                          <span class="role role-administrator">{ta().administrator}</span>
                        </Show>
                      </span>
                      <span class="card-detail">{detail(invite)}</span>
                    </div>
                    <Button small aria-label={`${ta().revoke}: ${invite.note || invite.id}`} onClick={() => setRevoking(invite)}>
                      {ta().revoke}
                    </Button>
                  </li>
                )}
              </For>
            </ul>
          </Show>
        </Show>
      </Show>
      <Confirm open={revoking() !== null} title={ta().revokeTitle} text={ta().revokeText} action={ta().revoke} onClose={() => setRevoking(null)} onConfirm={revoke} />
    </>
  );
}
