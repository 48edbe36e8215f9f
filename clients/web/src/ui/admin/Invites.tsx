import { createSignal, For, Show, type JSX } from "solid-js";
import type { Invite } from "../../gen/client_pb";
import { locale, t } from "../../i18n";
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
    [t().admin.usesLeft(invite.usesLeft), t().admin.expires(dateTime(locale(), Number(invite.expires))), t().admin.by(chat.name(invite.createdBy))].join(" · ");
  return (
    <>
      <MakeInvite onMade={(invite) => (setMade(invite), list.again())} />
      <Show when={made()}>
        {(invite) => (
          <div class="new-link" role="status">
            <p>{t().admin.newLink}</p>
            <div class="tools">
              <input class="link-field" type="text" readonly aria-label={t().admin.copyInvite} value={invite().link} onFocus={(e) => e.currentTarget.select()} />
              <Button look="primary" onClick={() => void copyText(invite().link, t().actions.linkCopied)}>
                {t().admin.copyInvite}
              </Button>
            </div>
          </div>
        )}
      </Show>
      <Show when={!list.error()} fallback={<Failed text={list.error()} onRetry={list.again} />}>
        <Show when={list.value()} fallback={<Skeleton lines={4} />}>
          <Show when={list.value()!.invites.length > 0} fallback={<Empty title={t().admin.noInvites} hint={t().admin.noInvitesHint} />}>
            <ul class="plain-list">
              <For each={list.value()?.invites}>
                {(invite) => (
                  <li class="plain-item">
                    <div class="card-main">
                      <span class="card-title">
                        {invite.note || t().admin.noNote}
                        <Show when={invite.admin}>
                          <span class="role role-administrator">{t().admin.administrator}</span>
                        </Show>
                      </span>
                      <span class="card-detail">{detail(invite)}</span>
                    </div>
                    <Button small aria-label={`${t().admin.revoke}: ${invite.note || invite.id}`} onClick={() => setRevoking(invite)}>
                      {t().admin.revoke}
                    </Button>
                  </li>
                )}
              </For>
            </ul>
          </Show>
        </Show>
      </Show>
      <Confirm open={revoking() !== null} title={t().admin.revokeTitle} text={t().admin.revokeText} action={t().admin.revoke} onClose={() => setRevoking(null)} onConfirm={revoke} />
    </>
  );
}
