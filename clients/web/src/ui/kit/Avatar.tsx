import { Show, type JSX } from "solid-js";
import { useChat, type Speaker } from "../state";

const HUES = 8;

/** One of a few calm colours, the same for the same name everywhere. */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const c of name) hash = Math.imul(hash ^ (c.codePointAt(0) ?? 0), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES;
}

const initial = (name: string): string => {
  const [first = ""] = new Intl.Segmenter().segment(name.replace(/^[#@]/, "").trim());
  return (typeof first === "string" ? first : first.segment).toLocaleUpperCase();
};

interface AvatarProps {
  id: string; // what the colour comes from
  name: string;
  blob: string | undefined;
  size?: number;
  square?: boolean;
  online?: boolean;
  title?: string;
}

/** A picture or an initial; decorative, the name stands beside it. */
export function Avatar(props: AvatarProps): JSX.Element {
  const chat = useChat();
  const url = () => (props.blob ? chat.blobUrl(props.blob) : undefined);
  const size = () => `${props.size ?? 36}px`;
  return (
    <span class="avatar" classList={{ square: props.square, [`hue-${hueOf(props.id)}`]: true }} title={props.title} aria-hidden="true" style={{ width: size(), height: size(), "font-size": `calc(${size()} * 0.44)` }}>
      <Show when={url()} fallback={<span>{initial(props.name)}</span>}>
        {(src) => <img src={src()} alt="" draggable={false} />}
      </Show>
      <Show when={props.online}>
        <span class="avatar-online" />
      </Show>
    </span>
  );
}

export function SpeakerAvatar(props: { of: Speaker; size?: number }): JSX.Element {
  return <Avatar id={props.of.id} name={props.of.name} blob={props.of.picture} size={props.size} />;
}

export function UserAvatar(props: { user: string; size?: number; presence?: boolean; title?: string }): JSX.Element {
  const chat = useChat();
  return <Avatar id={props.user} name={chat.name(props.user)} blob={chat.profile(props.user)?.avatar} size={props.size} title={props.title} online={props.presence && chat.online(props.user)} />;
}
