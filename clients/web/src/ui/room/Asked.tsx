import { Match, Suspense, Switch, type JSX } from "solid-js";
import { t } from "../../i18n";
import { late } from "../late";
import { useChat } from "../state";
import { newKey } from "../timeline/messageActions";
import { useRoomView } from "../timeline/view";

const Confirm = late(() => import("../kit/Confirm").then((m) => ({ default: m.Confirm })));
const EditHistory = late(() => import("./EditHistory"));
const Report = late(() => import("./Report"));
const InvitePeople = late(() => import("../panel/InvitePeople").then((m) => ({ default: m.InvitePeople })));
const PersonCard = late(() => import("../person/PersonCard"));

/** The window a message's action asked for. */
export function Asked(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const close = () => view.setAsk(null);
  const asked = (kind: "delete" | "edits" | "report") => {
    const ask = view.ask();
    return ask?.kind === kind ? ask.event : undefined;
  };
  const person = () => {
    const ask = view.ask();
    return ask?.kind === "person" ? ask.user : undefined;
  };
  return (
    <Suspense>
      <Switch>
        <Match when={asked("delete")}>
          {(event) => <Confirm open title={t().actions.deleteTitle} text={t().actions.deleteText} action={t().actions.delete} onClose={close} onConfirm={() => chat.client.commands.delete({ room: view.room, event: event().id, key: newKey() })} />}
        </Match>
        <Match when={asked("edits")}>{(event) => <EditHistory event={event()} onClose={close} />}</Match>
        <Match when={asked("report")}>{(event) => <Report event={event()} onClose={close} />}</Match>
        <Match when={view.ask()?.kind === "invite"}>
          <InvitePeople onClose={close} />
        </Match>
        <Match when={person()}>{(user) => <PersonCard user={user()} onClose={close} />}</Match>
      </Switch>
    </Suspense>
  );
}
