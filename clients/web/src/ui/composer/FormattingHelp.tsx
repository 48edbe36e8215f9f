import { For, type JSX } from "solid-js";
import { tp } from "../../i18n/panels";
import { Dialog } from "../kit/Dialog";
import { Markdown } from "../markdown/Markdown";

export default function FormattingHelp(props: { onClose: () => void }): JSX.Element {
  const rows = (): string[] => {
    const f = tp().format;
    return [`**${f.bold}**`, `*${f.italic}*`, `~~${f.strike}~~`, `\`${f.code}\``, `[${f.link}](https://example.org)`, `> ${f.quote}`, `- ${f.list}`, `\`\`\`\n${f.block}\n\`\`\``];
  };
  return (
    <Dialog open title={tp().format.title} onClose={props.onClose}>
      <table class="format-table">
        <thead>
          <tr>
            <th>{tp().format.type}</th>
            <th>{tp().format.get}</th>
          </tr>
        </thead>
        <tbody>
          <For each={rows()}>
            {(source) => (
              <tr>
                <td>
                  <code>{source}</code>
                </td>
                <td>
                  <Markdown id={`help ${source}`} text={source} mentions={[]} mentionRoom={false} />
                </td>
              </tr>
            )}
          </For>
          <tr>
            <td>
              <code>@alice</code>, <code>@room</code>
            </td>
            <td>{tp().format.mention}</td>
          </tr>
          <tr>
            <td>
              <code>:smile</code>
            </td>
            <td>{tp().format.emoji} 😄</td>
          </tr>
          <tr>
            <td>
              <code>/me {tp().format.emote}</code>
            </td>
            <td>{tp().format.emoteHint}</td>
          </tr>
          <tr>
            <td>
              <code>Shift+Enter</code>
            </td>
            <td>{tp().format.newline}</td>
          </tr>
        </tbody>
      </table>
    </Dialog>
  );
}
