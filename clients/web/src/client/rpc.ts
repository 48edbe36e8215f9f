// The HTTP door: Connect's unary protocol, binary, as far as the page needs it
// (https://connectrpc.com/docs/protocol). It carries what comes before a session:
// ServerInfo, Register, Login; and Logout when there is none.
import { create, fromBinary, toBinary, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { DescMessage } from "@bufbuild/protobuf";
import { ErrorSchema, type Error as WireError } from "../gen/client_pb";
import { CommandError } from "./api";
import type { Env } from "./env";

const TIMEOUT_MS = 15_000;

export function unreachable(): CommandError {
  return new CommandError("unreachable", "The server cannot be reached.", true, 0);
}

export function commandError(error: WireError): CommandError {
  return new CommandError(error.code, error.message, error.retry, error.retryAfterMs);
}

export async function call<I extends DescMessage, O extends DescMessage>(
  env: Env,
  token: string,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const headers: Record<string, string> = { "Content-Type": "application/proto", "Connect-Protocol-Version": "1" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = toBinary(method.input, create(method.input, request)) as Uint8Array<ArrayBuffer>;
  const response = await within(TIMEOUT_MS, async (signal) => {
    const answer = await env.fetch(`${env.origin}/${method.parent.typeName}/${method.name}`, { method: "POST", headers, body, signal });
    return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
  });
  if (response.status !== 200) throw refusal(response.bytes);
  return fromBinary(method.output, response.bytes);
}

/** Runs a fetch with a time limit; whatever breaks on the way is "unreachable". */
export async function within<T>(ms: number, fetching: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  try {
    return await fetching(controller.signal);
  } catch {
    throw unreachable();
  } finally {
    clearTimeout(timer);
  }
}

/** The error in a Connect answer whose status is not 200. */
export function refusal(body: Uint8Array): CommandError {
  try {
    const { code, message, details } = JSON.parse(new TextDecoder().decode(body)) as {
      code: string;
      message?: string;
      details?: { type: string; value: string }[];
    };
    const detail = details?.find((d) => d.type === ErrorSchema.typeName);
    if (detail) return commandError(fromBinary(ErrorSchema, fromBase64(detail.value)));
    return new CommandError(code, message || "The server refused.", code === "unavailable", 0);
  } catch {
    return unreachable(); // a proxy's answer, not a node's
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
