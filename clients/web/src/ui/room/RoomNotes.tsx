import { Show, Suspense, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { Icon } from "../kit/Icon";
import { late } from "../late";

const AloneNote = late(() => import("./AloneNote"));
const BridgeNote = late(() => import("../bridges/BridgeNote"));

/** What is not as usual with the room: changes that wait for its home, or that it can only be read, or that nobody does. */
export function RoomNotes(props: { summary: RoomSummary | undefined }): JSX.Element {
  const text = () => {
    const { frozen = "", waiting = 0, home = "" } = props.summary ?? {};
    if (frozen) return t().room.frozen(frozen);
    return waiting > 0 ? t().room.waiting(waiting, home) : "";
  };
  return (
    // The region stays, so that what comes into it is read out.
    <div class="room-notes" role="status">
      <Show when={text()}>
        <p class="room-note" classList={{ frozen: props.summary?.frozen !== "" }}>
          <Icon name={props.summary?.frozen ? "lock" : "clock"} size={15} />
          <span>{text()}</span>
        </p>
      </Show>
      <Show when={props.summary?.membership === "join" && !props.summary.direct}>
        <Suspense>
          <BridgeNote />
        </Suspense>
      </Show>
      <Show when={props.summary?.membership === "join" && props.summary.members === 1}>
        <Suspense>
          <AloneNote />
        </Suspense>
      </Show>
    </div>
  );
}
