import { create, toJson } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ConnectionSchema, PushState } from "../../gen/availability/v1/connection_pb.ts";
import { CredentialKind } from "../../gen/availability/v1/credential_pb.ts";
import type { ConnectionStatus } from "../ringcentral/connection-status.ts";
import { connectionMessage } from "./convert-connection.ts";

const AT = Date.UTC(2026, 0, 5, 12);
const configured = create(ConnectionSchema, {
  id: "main",
  serverUrl: "https://platform.ringcentral.com",
  credentialStatus: { kind: CredentialKind.JWT, fingerprint: "0123456789ab" },
  revision: 3n,
});
const NOTHING: ConnectionStatus = {
  expiresAt: undefined,
  refreshExpiresAt: undefined,
  groups: [],
  push: "NONE",
  destinationCount: 0,
  demandCount: 0,
  achievableAgeMs: undefined,
  lastError: "",
  warnings: [],
};

test("connectionMessage() shows everything that is known of a connection while it runs", () => {
  const status: ConnectionStatus = {
    expiresAt: AT + 0.25,
    refreshExpiresAt: AT + 1000,
    groups: [
      { name: "light", limit: 50, left: 7, penaltyUntil: AT + 60_000 },
      { name: "auth", limit: 5, left: 5, penaltyUntil: undefined },
    ],
    push: "LIVE",
    destinationCount: 400,
    demandCount: 30,
    achievableAgeMs: 45_000.2,
    lastError: "Cannot read queue presence: the access token has expired",
    warnings: [{ field: "connection.credential", reason: "DEMAND_NOT_MET", description: "expect 10 min" }],
  };
  const message = connectionMessage(configured, { status, destinationCount: 1 });
  expect(toJson(ConnectionSchema, message)).toEqual({
    id: "main",
    serverUrl: "https://platform.ringcentral.com",
    credentialStatus: {
      kind: "CREDENTIAL_KIND_JWT",
      fingerprint: "0123456789ab",
      expiresAt: "2026-01-05T12:00:00.000250Z",
      refreshExpiresAt: "2026-01-05T12:00:01Z",
    },
    groups: [
      { name: "light", limit: 50, left: 7, penaltyUntil: "2026-01-05T12:01:00Z" },
      { name: "auth", limit: 5, left: 5 },
    ],
    pushState: "PUSH_STATE_LIVE",
    destinationCount: 400,
    demandCount: 30,
    achievableAge: "45.001s",
    lastError: "Cannot read queue presence: the access token has expired",
    revision: "3",
    warnings: [{ field: "connection.credential", reason: "DEMAND_NOT_MET", description: "expect 10 min" }],
  });
  // What is stored is not touched: it is shown to others, later, as it then is.
  expect([configured.destinationCount, configured.credentialStatus?.expiresAt]).toEqual([0, undefined]);
});

test("connectionMessage() leaves out what is not known", () => {
  const unknown = connectionMessage(configured, { status: undefined, destinationCount: 2 });
  expect(unknown).toEqual({ ...configured, destinationCount: 2 });
  const idle = connectionMessage(configured, { status: NOTHING, destinationCount: 2 });
  expect(idle).toEqual(configured);
});

test.each([
  ["NONE", PushState.UNSPECIFIED],
  ["CONNECTING", PushState.CONNECTING],
  ["LIVE", PushState.LIVE],
  ["DOWN", PushState.DOWN],
] as const)("connectionMessage() shows a push session that is %s", (push, pushState) => {
  const known = { status: { ...NOTHING, push }, destinationCount: 0 };
  expect(connectionMessage(configured, known)).toMatchObject({ pushState });
});
