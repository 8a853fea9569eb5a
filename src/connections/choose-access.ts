import type { Credential } from "../../gen/availability/v1/credential_pb.ts";
import type { Problems } from "../lib/problems.ts";
import { quote } from "../lib/quote.ts";
import { type Access, parseCredential } from "./credentials.ts";
import type { SealedAccess } from "./sealed-access.ts";

/** What a Configure says of the credential, and what is stored. */
export interface AccessChoice {
  readonly given: Credential | undefined;
  readonly stored: SealedAccess | undefined;
  /** What is stored, opened; undefined when it does not open. */
  readonly before: Access | undefined;
  /** Where it will be sent; undefined when that could not be made out. */
  readonly origin: string | undefined;
  /** Why the stored one is not for this place, its origin aside. */
  readonly elsewhere?: string | undefined;
}

/**
 * The credential that was given, or the stored one where an absent one may keep it: only for the origin it was given
 * for. Undefined with violations in `problems`; `field` is its path.
 */
export function chooseAccess(choice: AccessChoice, field: string, problems: Problems): Access | undefined {
  const { given, stored, before, origin, elsewhere } = choice;
  if (given) return parseCredential(given, field, problems);
  const required = (why: string) => {
    problems.add(field, "REQUIRED", `is absent, and ${why}, expected a credential`);
    return undefined;
  };
  if (!stored) return required("none is stored");
  if (!before) return required("the stored one cannot be opened");
  if (origin !== undefined && stored.origin !== origin)
    return required(`the stored one is for ${quote(stored.origin)}`);
  return elsewhere === undefined ? before : required(elsewhere);
}
