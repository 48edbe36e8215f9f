import { For, Show, type JSX } from "solid-js";
import type { NodeReport } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { ta } from "../../i18n/admin";
import { dateTime } from "../../i18n/dates";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { notify } from "../kit/Toast";
import { toRoom } from "../route";
import { useChat } from "../state";

/** What people have reported, newest first. */
export default function Reports(): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const load = createLoad(
    () => true,
    () => commands.adminReports({}),
  );
  const close = async (id: string) => {
    if (!(await attempt(() => commands.adminReportClose({ id })))) return;
    notify(ta().report.closed);
    load.again();
  };
  return (
    <Show when={!load.error()} fallback={<Failed text={load.error()} onRetry={load.again} />}>
      <Show when={load.value()} fallback={<Skeleton lines={4} />}>
        {(found) => (
          <Show when={found().reports.length > 0} fallback={<Empty title={ta().report.none} hint={ta().report.noneHint} />}>
            <p class="hint">{ta().report.count(found().reports.length)}</p>
            <ul class="cards">
              <For each={found().reports}>{(report) => <ReportItem report={report} onClose={() => close(report.id)} />}</For>
            </ul>
          </Show>
        )}
      </Show>
    </Show>
  );
}

function ReportItem(props: { report: NodeReport; onClose: () => Promise<void> }): JSX.Element {
  const chat = useChat();
  const { report } = props;
  return (
    <li class="card report">
      <div class="card-main">
        <p class="card-detail">
          {ta().report.said(report.author)}
          {report.roomName ? ` · ${report.roomName}` : ""}
        </p>
        <blockquote class="reported">
          <p dir="auto">{report.text || ta().report.gone}</p>
        </blockquote>
        <p class="card-title" dir="auto">
          {report.reason || ta().report.noReason}
        </p>
        <p class="card-detail">{ta().report.by(report.reporter, dateTime(locale(), Number(report.time)))}</p>
      </div>
      <div class="report-actions">
        <Show when={chat.room(report.room)}>
          <a class="button small" href={toRoom(report.room, report.event)}>
            {ta().report.open}
          </a>
        </Show>
        <Button small aria-label={ta().report.closeOf(report.author)} onClick={() => void props.onClose()}>
          {ta().report.close}
        </Button>
      </div>
    </li>
  );
}
