import { createSignal, For, Show, type JSX } from "solid-js";
import type { Device } from "../../gen/client_pb";
import { locale, t } from "../../i18n";
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
  const name = (device: Device) => device.name || t().settings.unnamedDevice;
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
                      <span class="role">{t().settings.thisDevice}</span>
                    </Show>
                  </span>
                  <span class="card-detail">
                    {t().settings.seen(dateTime(locale(), Number(device.seen)))}
                    {device.address ? ` · ${device.address}` : ""}
                  </span>
                </div>
                <Show when={!device.current}>
                  <Button small aria-label={`${t().settings.revoke}: ${name(device)}`} onClick={() => setRevoking(device)}>
                    {t().settings.revoke}
                  </Button>
                </Show>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Confirm open={revoking() !== null} title={t().settings.revokeTitle(revoking() ? name(revoking()!) : "")} text={t().settings.revokeText} action={t().settings.revoke} onClose={() => setRevoking(null)} onConfirm={revoke} />
    </Show>
  );
}
