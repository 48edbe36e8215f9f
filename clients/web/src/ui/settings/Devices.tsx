import { createSignal, For, Show, type JSX } from "solid-js";
import type { Device } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { ts } from "../../i18n/settings";
import { dateTime } from "../../i18n/dates";
import { Button } from "../kit/Button";
import { Confirm } from "../kit/Confirm";
import { Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { useChat } from "../state";

export function Devices(): JSX.Element {
  const chat = useChat();
  const [revoking, setRevoking] = createSignal<Device | null>(null);
  const list = createLoad(
    () => true,
    () => chat.client.commands.devices({}),
  );
  const name = (device: Device) => device.name || ts().unnamedDevice;
  const revoke = async () => {
    await chat.client.commands.deviceRevoke({ device: revoking()!.id });
    list.again();
  };
  return (
    <Show when={!list.error()} fallback={<Failed text={list.error()} onRetry={list.again} />}>
      <Show when={list.value()} fallback={<Skeleton lines={3} />}>
        <ul class="plain-list">
          <For each={list.value()?.devices}>
            {(device) => (
              <li class="plain-item">
                <div class="card-main">
                  <span class="card-title">
                    {name(device)}
                    <Show when={device.current}>
                      <span class="role">{ts().thisDevice}</span>
                    </Show>
                  </span>
                  <span class="card-detail">
                    {ts().seen(dateTime(locale(), Number(device.seen)))}
                    {device.address ? ` · ${device.address}` : ""}
                  </span>
                </div>
                <Show when={!device.current}>
                  <Button small aria-label={`${ts().revoke}: ${name(device)}`} onClick={() => setRevoking(device)}>
                    {ts().revoke}
                  </Button>
                </Show>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Confirm open={revoking() !== null} title={ts().revokeTitle(revoking() ? name(revoking()!) : "")} text={ts().revokeText} action={ts().revoke} onClose={() => setRevoking(null)} onConfirm={revoke} />
    </Show>
  );
}
