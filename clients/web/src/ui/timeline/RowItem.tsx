import { createMemo, Match, Show, Switch, type JSX } from "solid-js";
import { locale, t } from "../../i18n";
import { dayName } from "../../i18n/dates";
import { Message } from "./Message";
import { PendingMessage } from "./PendingMessage";
import type { MessageRow, PendingRow, Row, SystemRow, ThreadRow } from "./rows";
import { RoomStart } from "./RoomStart";
import { SystemLine } from "./SystemLine";
import { ThreadLine } from "./ThreadLine";

/** One row of the list, with the day and the unread line that begin above it. */
export function RowItem(props: { id: string; row: () => Row | undefined }): JSX.Element {
  const row = createMemo<Row | undefined>((before) => props.row() ?? before);
  const as = <K extends Row["kind"]>(kind: K) => {
    const now = row();
    return now?.kind === kind ? now : undefined;
  };
  return (
    <div class="row" data-key={props.id}>
      <Show when={row()?.day}>
        {(day) => (
          <div class="day">
            <span>{dayName(locale(), day())}</span>
          </div>
        )}
      </Show>
      <Show when={row()?.unread}>
        <div class="unread-line">
          <span>{t().timeline.unread}</span>
        </div>
      </Show>
      <Switch>
        <Match when={as("message") as MessageRow | undefined}>{(r) => <Message id={props.id} row={r()} />}</Match>
        <Match when={as("pending") as PendingRow | undefined}>{(r) => <PendingMessage row={r()} />}</Match>
        <Match when={as("system") as SystemRow | undefined}>{(r) => <SystemLine id={props.id} row={r()} />}</Match>
        <Match when={as("thread") as ThreadRow | undefined}>{(r) => <ThreadLine row={r()} />}</Match>
        <Match when={row()?.kind === "start"}>
          <RoomStart />
        </Match>
      </Switch>
    </div>
  );
}
