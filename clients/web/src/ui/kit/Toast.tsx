import { createSignal, For, type JSX } from "solid-js";
import { t } from "../../i18n";
import { IconButton } from "./Button";

interface Notice {
  id: number;
  text: string;
  kind: "info" | "error";
}

const [notices, setNotices] = createSignal<readonly Notice[]>([]);
let next = 1;

const dismiss = (id: number) => setNotices((list) => list.filter((n) => n.id !== id));

/** Says something in the corner; errors stay longer and are read out at once. */
export function notify(text: string, kind: Notice["kind"] = "info"): void {
  const id = next++;
  setNotices((list) => [...list.slice(-2), { id, text, kind }]);
  setTimeout(() => dismiss(id), kind === "error" ? 9000 : 3500);
}

export function Toasts(): JSX.Element {
  return (
    <div class="toasts">
      <For each={notices()}>
        {(notice) => (
          <div class={`toast ${notice.kind}`} role={notice.kind === "error" ? "alert" : "status"}>
            <span>{notice.text}</span>
            <IconButton icon="close" size={16} label={t().common.close} onClick={() => dismiss(notice.id)} />
          </div>
        )}
      </For>
    </div>
  );
}
