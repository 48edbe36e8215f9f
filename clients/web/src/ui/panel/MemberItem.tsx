import { createSignal, Show, type JSX } from "solid-js";
import type { Member } from "../../gen/room_pb";
import { t } from "../../i18n";
import { attempt, decided } from "../errors";
import { Avatar } from "../kit/Avatar";
import { Confirm } from "../kit/Confirm";
import { Field } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { Menu, type MenuEntry } from "../kit/Menu";
import { go, toRoom } from "../route";
import { elsewhere, localPart, useChat } from "../state";
import { useRoomView } from "../timeline/view";

const ROLES = ["owner", "administrator", "moderator", "member", "readonly"] as const;

export function MemberItem(props: { member: Member; onChanged: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const { commands } = chat.client;
  const [asked, setAsked] = createSignal<"" | "kick" | "ban">("");
  const [reason, setReason] = createSignal("");
  const user = () => props.member.user;
  const name = () => props.member.profile?.displayName || localPart(user());
  const me = () => user() === chat.me()?.user;
  const target = () => ({ room: view.room, user: user() });
  /** One may act on those below oneself; the node has the last word. */
  const below = () => ROLES.indexOf(props.member.role as (typeof ROLES)[number]) > ROLES.indexOf(view.summary()?.role as (typeof ROLES)[number]);
  const act = async (command: () => Promise<{ waiting: boolean }>) => {
    if (await attempt(() => decided(command()))) props.onChanged();
  };

  const entries = (): (MenuEntry | null)[] => {
    const list: (MenuEntry | null)[] = [];
    const { membership, role } = props.member;
    list.push({ label: t().actions.about(name()), icon: "people", onSelect: () => view.setAsk({ kind: "person", user: user() }) });
    if (!me()) list.push({ label: t().members.write, icon: "send", onSelect: () => void attempt(async () => go(toRoom((await commands.roomDirect({ user: user() })).room))) });
    if (membership === "join" && view.right("role") && (below() || me()) && !view.summary()?.direct) {
      list.push(null);
      const mine = ROLES.indexOf(view.summary()?.role as (typeof ROLES)[number]);
      for (const r of ROLES.filter((_, i) => i >= mine)) list.push({ label: t().members.roles[r] ?? r, checked: role === r, onSelect: () => void act(() => commands.roomRole({ ...target(), role: r })) });
    }
    if (me()) return list;
    list.push(null);
    if (membership === "join" && view.right("kick") && below()) list.push({ label: t().members.kick, icon: "leave", danger: true, onSelect: () => setAsked("kick") });
    if (membership === "invite" && view.right("kick")) list.push({ label: t().members.uninvite, icon: "close", danger: true, onSelect: () => void act(() => commands.roomKick(target())) });
    if (membership !== "ban" && view.right("ban") && (below() || membership === "invite")) list.push({ label: t().members.ban, icon: "alert", danger: true, onSelect: () => setAsked("ban") });
    if (membership === "ban" && view.right("unban")) list.push({ label: t().members.unban, icon: "check", onSelect: () => void act(() => commands.roomUnban(target())) });
    if (membership === "ban" && !view.right("unban") && view.right("ban")) list.push({ label: t().members.unban, icon: "check", onSelect: () => void act(() => commands.roomUnban(target())) });
    while (list[list.length - 1] === null) list.pop();
    return list;
  };
  const confirm = async () => {
    const request = { ...target(), reason: reason().trim() };
    await decided(asked() === "ban" ? commands.roomBan(request) : commands.roomKick(request));
    props.onChanged();
  };

  return (
    <li class="member">
      <Avatar id={user()} name={name()} blob={props.member.profile?.avatar} size={32} online={props.member.online || chat.online(user())} />
      <span class="member-main">
        <span class="member-name" dir="auto" title={user()}>
          {name()} {me() ? `(${t().common.you})` : ""}
          <Show when={props.member.profile?.status && elsewhere(chat, user())}>{(node) => <span class="node-tag">@{node()}</span>}</Show>
        </span>
        <span class="member-detail" dir="auto">
          {props.member.bridge || props.member.profile?.status || user()}
        </span>
      </span>
      <span class="hidden-text">{props.member.online || chat.online(user()) ? t().common.online : t().common.offline}</span>
      <Show when={props.member.bridge}>
        <Icon name="bridge" size={16} />
      </Show>
      <Show when={props.member.membership === "join" && props.member.role !== "member"}>
        <span class={`role role-${props.member.role}`}>{t().members.roles[props.member.role] ?? props.member.role}</span>
      </Show>
      <Show when={entries().length > 0}>
        <Menu label={t().members.actions(name())} entries={entries()} />
      </Show>
      <Confirm
        open={asked() !== ""}
        title={asked() === "ban" ? t().members.banTitle(name()) : t().members.kickTitle(name())}
        text={asked() === "ban" ? t().members.banText : t().members.kickText}
        action={asked() === "ban" ? t().members.ban : t().members.kick}
        onClose={() => setAsked("")}
        onConfirm={confirm}
      >
        <Field label={t().members.reason} value={reason()} maxlength={200} onInput={setReason} />
      </Confirm>
    </li>
  );
}
