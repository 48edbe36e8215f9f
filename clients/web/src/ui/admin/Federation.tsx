import { createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { locale } from "../../i18n";
import { ta } from "../../i18n/admin";
import { dateTime } from "../../i18n/dates";
import { attempt, copyText } from "../errors";
import { Confirm } from "../kit/Confirm";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Choice } from "../kit/Field";
import { IconButton } from "../kit/Button";
import { Icon } from "../kit/Icon";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { JoinNode } from "./JoinNode";
import { MakeNodeInvite } from "./MakeNodeInvite";
import { Peers, type PeerAction } from "./Peers";

type Policy = "open" | "invite" | "list";
const EVERY_MS = 3_000;

/** Other nodes: who they are, how the links stand, what is wrong, and who may come. */
export default function Federation(): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [asked, setAsked] = createSignal<{ peer: string; action: PeerAction } | null>(null);
  const load = createLoad(
    () => true,
    () => commands.adminPeers({}),
  );
  onMount(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && !load.loading() && load.again(), EVERY_MS);
    onCleanup(() => clearInterval(timer));
  });
  const change = async (peer: string, action: PeerAction) => {
    await commands.adminPeerSet(action === "forget" ? { name: peer, forget: true } : { name: peer, blocked: action === "block" });
    load.again();
  };
  const act = (peer: string, action: PeerAction) => {
    if (action === "unblock") void attempt(() => change(peer, action));
    else setAsked({ peer, action });
  };
  const policy = (value: Policy) => void attempt(() => commands.adminFederationSet({ policy: value })).then(load.again);
  const forgetting = () => asked()?.action === "forget";
  const name = () => asked()?.peer ?? "";
  return (
    <Show when={load.value()} fallback={load.error() ? <Failed text={load.error()} onRetry={load.again} /> : <Skeleton lines={6} />}>
      {(found) => (
        <>
          <Show when={load.error()}>
            <Failed text={load.error()} onRetry={load.again} />
          </Show>
          <Show when={found().alarms.length > 0}>
            <section class="alarms" aria-label={ta().peers.alarms} tabindex="0">
              <h2>{ta().peers.alarms}</h2>
              <ul class="plain-list">
                <For each={found().alarms}>
                  {(alarm) => (
                    <li class="plain-item state-failed">
                      <Icon name="alert" />
                      <div class="card-main">
                        <span class="card-title">{alarm.peer}</span>
                        <p class="card-detail">{alarm.text}</p>
                      </div>
                      <span class="card-detail">{dateTime(locale(), Number(alarm.time))}</span>
                    </li>
                  )}
                </For>
              </ul>
            </section>
          </Show>
          <dl class="this-node">
            <div>
              <dt>{ta().peers.thisNode}</dt>
              <dd dir="ltr">{found().name}</dd>
            </div>
            <Show when={found().addresses.length > 0}>
              <div>
                <dt>{ta().peers.addresses}</dt>
                <dd dir="ltr">{found().addresses.join(", ")}</dd>
              </div>
            </Show>
            <div>
              <dt>{ta().peers.key}</dt>
              <dd class="key" dir="ltr">
                {found().key} <IconButton icon="copy" size={15} label={ta().peers.copyKey} onClick={() => void copyText(found().key, ta().peers.copied)} />
              </dd>
            </div>
          </dl>
          <section class="stack">
            <h2>{ta().peers.title}</h2>
            <Show when={found().peers.length > 0} fallback={<Empty title={ta().peers.none} hint={ta().peers.noneHint} />}>
              <Peers peers={found().peers} onAct={act} />
            </Show>
          </section>
          <div class="two-columns">
            <MakeNodeInvite />
            <JoinNode onJoined={load.again} />
          </div>
          <Choice<Policy>
            label={ta().peers.policy}
            value={(found().policy || "invite") as Policy}
            options={[
              { value: "open", label: ta().peers.policyOpen, hint: ta().peers.policyOpenHint },
              { value: "invite", label: ta().peers.policyInvite, hint: ta().peers.policyInviteHint },
              { value: "list", label: ta().peers.policyList, hint: ta().peers.policyListHint },
            ]}
            onChange={policy}
          />
          <Confirm
            open={asked() !== null}
            title={forgetting() ? ta().peers.forgetTitle(name()) : ta().peers.blockTitle(name())}
            text={forgetting() ? ta().peers.forgetText : ta().peers.blockText}
            action={forgetting() ? ta().peers.forget : ta().peers.block}
            onClose={() => setAsked(null)}
            onConfirm={() => change(name(), asked()!.action)}
          />
        </>
      )}
    </Show>
  );
}
