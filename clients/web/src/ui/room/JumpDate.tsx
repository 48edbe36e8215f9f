import { createSignal, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { Field } from "../kit/Field";

const today = (): string => {
  const d = new Date();
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
};

export default function JumpDate(props: { onClose: () => void; onJump: (time: number) => void }): JSX.Element {
  const [day, setDay] = createSignal(today());
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    const time = new Date(`${day()}T00:00:00`).getTime();
    if (Number.isNaN(time)) return;
    props.onJump(time);
    props.onClose();
  };
  return (
    <Dialog open title={t().room.jumpDate} onClose={props.onClose}>
      <form class="form" onSubmit={submit}>
        <Field label={t().room.jumpTo} type="date" max={today()} value={day()} onInput={setDay} />
        <div class="dialog-actions">
          <Button onClick={() => props.onClose()}>{t().common.cancel}</Button>
          <Button type="submit" look="primary">
            {t().room.jump}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
