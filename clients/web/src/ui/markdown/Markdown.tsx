import { createMemo, For, type JSX } from "solid-js";
import { Dynamic } from "solid-js/web";
import { useChat } from "../state";
import { cachedTree } from "./cache";
import { CodeBlock } from "./CodeBlock";
import { isEmojiOnly, mentionedUser } from "./mention";
import type { Block, Inline } from "./tree";

interface Mentions {
  users: readonly string[];
  room: boolean;
}

/** Message text as DOM nodes; the text itself only ever becomes text nodes and checked link addresses. */
export function Markdown(props: { id: string; text: string; mentions: readonly string[]; mentionRoom: boolean }): JSX.Element {
  const tree = createMemo(() => cachedTree(props.id, props.text));
  const mentions = (): Mentions => ({ users: props.mentions, room: props.mentionRoom });
  return (
    <div class="markdown" classList={{ jumbo: isEmojiOnly(props.text) }} dir="auto">
      <Blocks of={tree()} mentions={mentions()} />
    </div>
  );
}

function Blocks(props: { of: readonly Block[]; mentions: Mentions }): JSX.Element {
  return <For each={props.of}>{(block) => <BlockNode of={block} mentions={props.mentions} />}</For>;
}

function BlockNode(props: { of: Block; mentions: Mentions }): JSX.Element {
  const block = props.of;
  switch (block.t) {
    case "p":
      return (
        <p>
          <Inlines of={block.c} mentions={props.mentions} />
        </p>
      );
    case "heading": // a paragraph, so that messages do not upset the page's outline
      return (
        <p class={`md-heading h${Math.min(block.level, 3)}`}>
          <Inlines of={block.c} mentions={props.mentions} />
        </p>
      );
    case "quote":
      return (
        <blockquote>
          <Blocks of={block.c} mentions={props.mentions} />
        </blockquote>
      );
    case "list":
      return (
        <Dynamic component={block.ordered ? "ol" : "ul"} start={block.ordered && block.start !== 1 ? block.start : undefined}>
          <For each={block.items}>
            {(item) => (
              <li>
                <Blocks of={item} mentions={props.mentions} />
              </li>
            )}
          </For>
        </Dynamic>
      );
    case "pre":
      return <CodeBlock lang={block.lang} code={block.v} />;
    case "rule":
      return <hr />;
  }
}

function Inlines(props: { of: readonly Inline[]; mentions: Mentions }): JSX.Element {
  return <For each={props.of}>{(node) => <InlineNode of={node} mentions={props.mentions} />}</For>;
}

function InlineNode(props: { of: Inline; mentions: Mentions }): JSX.Element {
  const node = props.of;
  switch (node.t) {
    case "text":
      return <>{node.v}</>;
    case "mention":
      return <Mention written={node.v} user={node.user} mentions={props.mentions} />;
    case "break":
      return <br />;
    case "code":
      return <code>{node.v}</code>;
    case "link":
      return (
        <a href={node.href} target="_blank" rel="noopener noreferrer">
          <Inlines of={node.c} mentions={props.mentions} />
        </a>
      );
    default:
      return (
        <Dynamic component={node.t}>
          <Inlines of={node.c} mentions={props.mentions} />
        </Dynamic>
      );
  }
}

function Mention(props: { written: string; user: string; mentions: Mentions }): JSX.Element {
  const chat = useChat();
  const everybody = () => props.user === "room" && props.mentions.room;
  const user = () => mentionedUser(props.user, props.mentions.users);
  const mine = () => everybody() || (user() !== undefined && user() === chat.me()?.user);
  return (
    <>
      {everybody() || user() ? (
        <span class="mention" classList={{ mine: mine() }} title={user() ?? undefined}>
          {everybody() ? "@room" : `@${chat.name(user()!)}`}
        </span>
      ) : (
        props.written
      )}
    </>
  );
}
