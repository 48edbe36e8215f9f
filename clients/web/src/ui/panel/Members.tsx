import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button } from "../kit/Button";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Field, Select } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { createDebounced } from "../kit/load";
import { More } from "../kit/More";
import { createPages } from "../kit/pages";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { InvitePeople } from "./InvitePeople";
import { MemberItem } from "./MemberItem";

type Membership = "join" | "invite" | "ban";

export default function Members(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const [query, setQuery] = createSignal("");
  const [membership, setMembership] = createSignal<Membership>("join");
  const [inviting, setInviting] = createSignal(false);
  const still = createDebounced(query, 150);
  const asked = createMemo(() => ({ query: still().trim(), membership: membership(), version: chat.membersVersion(view.room) }));
  const pages = createPages(asked, async ({ query, membership }, after) => {
    const page = await chat.client.commands.members({ room: view.room, query, membership, after, limit: 100 });
    return { items: page.members, next: page.next, total: page.total };
  });
  return (
    <>
      <div class="panel-tools">
        <Field label={t().members.search} hideLabel placeholder={t().members.search} type="search" value={query()} onInput={setQuery} />
        <div class="panel-row">
          <Select
            label={t().members.filter}
            hideLabel
            value={membership()}
            options={[
              { value: "join", label: t().members.title },
              { value: "invite", label: t().members.invited },
              { value: "ban", label: t().members.banned },
            ]}
            onChange={setMembership}
          />
          <Show when={view.right("invite")}>
            <Button onClick={() => setInviting(true)}>
              <Icon name="plus" size={16} />
              {t().members.invite}
            </Button>
          </Show>
        </div>
      </div>
      <div class="panel-scroll" tabindex="-1">
        <Show when={!pages.error()} fallback={<Failed text={pages.error()} onRetry={pages.again} />}>
          <Show when={pages.items().length > 0} fallback={pages.loading() ? <Skeleton lines={8} avatar /> : <Empty title={t().members.none} />}>
            <ul class="member-list">
              <For each={pages.items()}>{(member) => <MemberItem member={member} onChanged={pages.again} />}</For>
            </ul>
          </Show>
          <More of={pages} />
        </Show>
      </div>
      <Show when={inviting()}>
        <InvitePeople onClose={() => setInviting(false)} />
      </Show>
    </>
  );
}
