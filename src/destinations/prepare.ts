import { clone } from "@bufbuild/protobuf";
import { type Destination, DestinationSchema } from "../../gen/availability/v1/destination_pb.ts";
import { readStored } from "../stores/records.ts";
import type { Store } from "../stores/store.ts";
import { type AcceptDeps, accept } from "./accept.ts";
import { DESTINATION } from "./record.ts";
import type { DestinationEntry } from "./registry.ts";

// A form that is tried before it is saved may not have a name yet.
const UNNAMED = "unsaved";

/**
 * Makes an unsaved destination ready to be asked, without storing anything. An absent credential is the stored one of
 * its id, under the rules of Configure. Rejects with ServiceError INVALID_ARGUMENT with every violation.
 */
export function createPrepare(deps: AcceptDeps & { readonly store: Store }) {
  return async (given: Destination): Promise<DestinationEntry> => {
    const destination = clone(DestinationSchema, given);
    destination.id ||= UNNAMED;
    // By the id as given: one without a name has nothing stored, even if something is stored under the stand-in.
    const stored = await readStored(DESTINATION, deps.store, given.id);
    const { compiled, access } = accept(destination, stored, { ...deps, action: "test" });
    return {
      id: given.id,
      revision: 0n,
      labels: destination.labels,
      disabled: destination.disabled,
      message: destination,
      compiled: { ...compiled, access },
      invalid: "",
      templateRevision: 0n,
      credentialRevision: 0n,
      proven: false,
    };
  };
}
