import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type TransportError, transportError } from "./transport-error.ts";

const unzip = promisify(gunzip);

/** Most bytes of an answer's body, before and after decompression. */
export const LARGEST_BODY = 4 * 1024 * 1024;
/** What decodeBody() understands. */
export const ACCEPT_ENCODING = "gzip";

/** An answer's body as text: decompressed, read as UTF-8 without its byte order mark, never larger than LARGEST_BODY. */
export async function decodeBody(
  bytes: Buffer,
  contentEncoding: string | undefined,
): Promise<{ text: string } | { error: TransportError }> {
  const encoding = contentEncoding?.trim().toLowerCase() || "identity";
  if (encoding === "identity") return { text: decodeText(bytes) };
  if (encoding !== "gzip" && encoding !== "x-gzip") return { error: transportError("bad_encoding") };
  try {
    return { text: decodeText(await unzip(bytes, { maxOutputLength: LARGEST_BODY })) };
  } catch (error) {
    const tooLarge = (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    return { error: transportError(tooLarge ? "too_large" : "bad_encoding") };
  }
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
