import type { JSX } from "solid-js";
import { t } from "../../i18n";
import { speakerOf, useChat } from "../state";

/** Who is typing; the line keeps its height so that nothing moves. */
export function TypingLine(props: { room: string }): JSX.Element {
  const chat = useChat();
  const text = () => {
    const [a, b, c] = chat.typing(props.room).map((who) => speakerOf(chat, who).name);
    if (!a) return "";
    if (!b) return t().timeline.typing1(a);
    return c ? t().timeline.typingMany : t().timeline.typing2(a, b);
  };
  return (
    <p class="typing" aria-live="off">
      {text()}
    </p>
  );
}
