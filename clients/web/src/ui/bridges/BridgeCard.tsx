import { createSignal, Index, Show, type JSX } from "solid-js";
import type { Bridge, BridgeKind, BridgeLink, BridgeStatus } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { tb } from "../../i18n/bridges";
import { dateTime } from "../../i18n/dates";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { Confirm } from "../kit/Confirm";
import { Menu } from "../kit/Menu";
import { notify } from "../kit/Toast";
import { useChat } from "../state";
import { BridgeLog } from "./BridgeLog";
import { BridgeState } from "./BridgeState";
import { ChangeSettings } from "./ChangeSettings";
import { LinkChannel } from "./LinkChannel";

type Asked = "" | "remove" | "logs" | "settings" | "link";

/** One bridge: how it is, what it relays, its channels. */
export function BridgeCard(props: { bridge: Bridge; kind: BridgeKind | undefined; onChanged: () => void }): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [asked, setAsked] = createSignal<Asked>("");
  const [unlinking, setUnlinking] = createSignal("");
  const [setting, setSetting] = createSignal(""); // the channel whose link's settings are open
  const name = () => props.bridge.name;
  const done = async (work: () => Promise<unknown>, said?: string) => {
    if (!(await attempt(work))) return;
    if (said) notify(said);
    props.onChanged();
  };
  const entries = () => [
    { label: tb().settings, icon: "settings" as const, onSelect: () => setAsked("settings") },
    { label: tb().logs, icon: "info" as const, onSelect: () => setAsked("logs") },
    { label: tb().restart, icon: "clock" as const, onSelect: () => void done(() => commands.adminBridgeRestart({ name: name() }), tb().restarted) },
    props.bridge.enabled
      ? { label: tb().disable, icon: "mute" as const, onSelect: () => void done(() => commands.adminBridgeSet({ name: name(), enabled: false })) }
      : { label: tb().enable, icon: "check" as const, onSelect: () => void done(() => commands.adminBridgeSet({ name: name(), enabled: true })) },
    null,
    { label: tb().remove, icon: "trash" as const, danger: true, onSelect: () => setAsked("remove") },
  ];
  return (
    <li class="card bridge" aria-label={name()}>
      <div class="bridge-head">
        <div class="card-main">
          <span class="card-title">
            {name()} <span class="node-tag">{props.kind?.title ?? props.bridge.kind}</span>
          </span>
          <BridgeState status={props.bridge.status} />
          <Figures status={props.bridge.status} />
        </div>
        <Menu label={tb().actions(name())} entries={entries()} />
      </div>
      <h4>{tb().links}</h4>
      <ul class="plain-list">
        {/* By place: the list is fetched every few seconds, and a focused button must stay. */}
        <Index each={props.bridge.links.filter((link) => !(link.ended && isPrivate(link)))} fallback={<li class="hint">{tb().noLinks}</li>}>
          {(link) => <LinkItem link={link()} settable={(props.kind?.linkSettings.length ?? 0) > 0 && !isPrivate(link())} onSet={() => setSetting(link().channel)} onUnlink={() => setUnlinking(link().channel)} />}
        </Index>
      </ul>
      <Show when={asked() === "link"} fallback={<Button small onClick={() => setAsked("link")}>{tb().link}</Button>}>
        <LinkChannel bridge={name()} kind={props.kind} onLinked={props.onChanged} />
      </Show>
      <Show when={asked() === "logs"}>
        <BridgeLog name={name()} onClose={() => setAsked("")} />
      </Show>
      <Show when={asked() === "settings"}>
        <ChangeSettings of={name()} settings={props.kind?.settings ?? []} values={props.bridge.settings} hidden={props.bridge.hidden} saved={tb().saved} save={(settings) => commands.adminBridgeSet({ name: name(), settings })} onClose={() => setAsked("")} onChanged={props.onChanged} />
      </Show>
      <Show when={props.bridge.links.find((link) => link.channel === setting() && !link.ended)}>
        {(link) => <ChangeSettings of={link().channel} settings={props.kind?.linkSettings ?? []} values={link().settings} hidden={link().hidden} saved={tb().savedLink} save={(settings) => commands.adminBridgeSet({ name: name(), channel: link().channel, settings })} onClose={() => setSetting("")} onChanged={props.onChanged} />}
      </Show>
      <Confirm open={asked() === "remove"} title={tb().removeTitle(name())} text={tb().removeText} action={tb().remove} onClose={() => setAsked("")} onConfirm={() => commands.adminBridgeRemove({ name: name() }).then(props.onChanged)} />
      <Confirm open={unlinking() !== ""} title={tb().unlinkTitle(isPrivate({ channel: unlinking() }) ? tb().privateLink : unlinking())} text={tb().unlinkText} action={tb().unlink} onClose={() => setUnlinking("")} onConfirm={() => commands.adminBridgeUnlink({ name: name(), channel: unlinking() }).then(props.onChanged)} />
    </li>
  );
}

const age = (seconds: number): string => (seconds < 120 ? tb().seconds(seconds) : seconds < 7200 ? tb().minutes(Math.round(seconds / 60)) : tb().hours(Math.round(seconds / 3600)));

function Figures(props: { status: BridgeStatus | undefined }): JSX.Element {
  const text = () => {
    const s = props.status;
    if (!s) return "";
    const dropped = Object.values(s.dropped).reduce((sum, n) => sum + Number(n), 0);
    const why = Object.entries(s.dropped).map(([reason, n]) => `${tb().reasons[reason] ?? reason.replaceAll("_", " ")} ${n}`).join(", ");
    return [
      tb().figures(Number(s.relayed), Number(s.received)),
      s.queue > 0n ? `${tb().queue(Number(s.queue))}${s.oldestS > 0n ? ` (${tb().oldest(age(Number(s.oldestS)))})` : ""}` : "",
      dropped > 0 ? `${tb().dropped(dropped)} (${why})` : "",
      s.reconnects > 0n ? tb().reconnects(Number(s.reconnects)) : "",
      s.heard > 0n ? tb().heard(dateTime(locale(), Number(s.heard))) : "",
    ].filter(Boolean).join(" · ");
  };
  return <span class="card-detail">{text()}</span>;
}

/** Whose, and with whom, is no administrator's affair: only that it is there. */
const isPrivate = (link: { readonly channel: string }): boolean => link.channel.startsWith("private:");

function LinkItem(props: { link: BridgeLink; settable: boolean; onSet: () => void; onUnlink: () => void }): JSX.Element {
  const link = () => props.link;
  const place = () => (isPrivate(link()) ? tb().privateLink : link().channel);
  const detail = () =>
    link().ended ? tb().ended(link().ended) : !link().confirmed ? tb().waitingSince(dateTime(locale(), Number(link().codeEnds))) : link().confirmedBy ? tb().confirmedBy(link().confirmedBy) : "";
  return (
    <li class="plain-item bridge-link">
      <div class="card-main">
        <span class="card-title" dir="auto">
          {isPrivate(link()) ? place() : `${place()} ↔ ${link().roomName}`}
        </span>
        <Show when={!link().ended}>
          <BridgeState status={link().status} />
        </Show>
        <Show when={detail()}>
          <span class="card-detail">{detail()}</span>
        </Show>
      </div>
      <Show when={!link().ended && props.settable}>
        <Button small look="quiet" aria-label={`${tb().settings} ${place()}`} onClick={() => props.onSet()}>
          {tb().settings}
        </Button>
      </Show>
      <Show when={!link().ended}>
        <Button small look="quiet" aria-label={`${tb().unlink} ${place()}`} onClick={() => props.onUnlink()}>
          {tb().unlink}
        </Button>
      </Show>
    </li>
  );
}
