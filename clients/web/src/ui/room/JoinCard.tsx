import { createSignal, Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { Empty, Skeleton } from "../kit/Empty";
import { isStranger, useChat } from "../state";

/** In place of the timeline of a room one is not in. */
export function JoinCard(props: { room: string; title: string; summary: RoomSummary | undefined; loading: boolean; error: string; onRetry: () => void }): JSX.Element {
  const chat = useChat();
  const [busy, setBusy] = createSignal(false);
  const invited = () => props.summary?.membership === "invite";
  const away = () => (props.summary?.home === chat.me()?.node ? "" : (props.summary?.home ?? ""));
  const hint = () => {
    const { summary } = props;
    if (summary && isStranger(summary)) return t().room.stranger(summary.invitedBy);
    return invited() ? t().room.invited(chat.name(summary?.invitedBy ?? "")) : summary?.topic || t().room.joinFirst;
  };
  const join = async () => {
    setBusy(true);
    await attempt(() => chat.client.commands.roomJoin({ room: props.room }));
    setBusy(false);
  };
  return (
    <div class="join-card">
      <Show when={props.summary} fallback={props.loading || chat.connection().phase !== "online" ? <Skeleton lines={4} /> : <Empty flame title={t().room.notFound} hint={props.error || t().room.notFoundHint}><Button onClick={() => props.onRetry()}>{t().common.retry}</Button></Empty>}>
        <Empty flame title={props.title} hint={hint()}>
          <Button look="primary" busy={busy()} onClick={() => void join()}>
            {t().room.join}
          </Button>
          <p class="hint" role="status">
            {busy() && away() ? t().room.joining(away()) : ""}
          </p>
        </Empty>
      </Show>
    </div>
  );
}
