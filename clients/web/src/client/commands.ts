// The commands of the protocol as functions: client.commands.roomCreate({...}).
import { create, fromBinary, toBinary, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Client } from "../gen/client_pb";
import { CommandError, type Commands } from "./api";

type Methods = typeof Client.method;
type Name = keyof Methods;
type Response<K extends Name> = MessageShape<Methods[K]["output"]>;
type Request<K extends Name> = MessageInitShape<Methods[K]["input"]>;

/** What the client itself learns from an answer, whoever asked. */
export type Lessons = { [K in Name]?: (response: Response<K>, request: Request<K>) => void };

export interface Doors {
  /** For who has no session: by HTTP. */
  anonymous(method: DescMethodUnary, request: object): Promise<object>;
  /** In the session: the bytes of a request for those of its response. */
  session(command: string, body: Uint8Array): Promise<Uint8Array>;
  newKey(): string;
  lessons: Lessons;
}

const anonymous: ReadonlySet<string> = new Set<Name>(["serverInfo", "register", "login"]);

export function makeCommands(doors: Doors): Commands {
  const entries = Object.entries(Client.method as Record<string, DescMethodUnary>).map(([name, method]) => [
    name,
    (request: object) => run(doors, name, method, request),
  ]);
  return Object.fromEntries(entries) as Commands;
}

async function run(doors: Doors, name: string, method: DescMethodUnary, request: object): Promise<object> {
  if (anonymous.has(name)) return doors.anonymous(method, request);
  // A key even where the caller sees no need: a request may be repeated on the way.
  const { key } = request as { key?: string };
  const keyed = "key" in method.input.field && !key ? { ...request, key: doors.newKey() } : request;
  const body = await doors.session(method.name, toBinary(method.input, create(method.input, keyed as Record<string, unknown>)));
  const response = decode(method, body);
  const learn = doors.lessons[name as Name] as ((response: object, request: object) => void) | undefined;
  learn?.(response, request);
  return response;
}

function decode(method: DescMethodUnary, body: Uint8Array): object {
  try {
    return fromBinary(method.output, body);
  } catch {
    throw new CommandError("internal", "The server's answer makes no sense.", false, 0);
  }
}
