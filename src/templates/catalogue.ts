import { DEFAULT_ACCOUNT } from "./ringcentral.ts";
import { DEFAULT_SERVER } from "./server-url.ts";

/** One field that a person fills in; its path begins at the destination. */
export interface TemplateField {
  readonly fieldPath: string;
  readonly label: string;
  readonly help: string;
  readonly example: string;
  readonly defaultValue: string;
  /** What a value must match, RE2 syntax; empty = anything. */
  readonly pattern: string;
  readonly required: boolean;
  /** Write only. */
  readonly secret: boolean;
}

/** One way to ask, described for forms. */
export interface Template {
  /** The field of a destination that holds it. */
  readonly id: string;
  readonly label: string;
  readonly help: string;
  readonly fields: readonly TemplateField[];
}

const OPTIONAL = { defaultValue: "", pattern: "", required: false, secret: false };

const KEPT = "When no credential is given later on, the stored one is kept.";

/** Every template there is, in the order of their ids. */
export const TEMPLATES: readonly Template[] = [
  {
    id: "ring_central",
    label: "RingCentral call queue",
    help: "Asks RingCentral which members of a call queue accept its calls.",
    fields: [
      {
        ...OPTIONAL,
        fieldPath: "ring_central.call_queue_id",
        label: "Call queue id",
        help: "The queue's internal id, as the list of call queues shows it; not its extension number.",
        example: "987654321",
        pattern: "^[0-9]{1,20}$",
        required: true,
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.account_id",
        label: "Account id",
        help: "The account that the queue belongs to; ~ is the account of the token.",
        example: "~",
        defaultValue: DEFAULT_ACCOUNT,
        pattern: "^(~|[0-9]{1,20})$",
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.connection_id",
        label: "Connection",
        help: "A connection that destinations share. One of a connection, a bearer token and an OAuth client is required.",
        example: "main",
        pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.credential.bearer_token",
        label: "Bearer token",
        help: `An access token with the permission ReadPresence; it usually ends within an hour. A leading "Bearer " is dropped. ${KEPT}`,
        example: "Bearer abc123def456",
        secret: true,
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.credential.oauth.client_id",
        label: "Client id",
        help: `Client id of a RingCentral app that gets and renews its own tokens, with a JWT or a refresh token. ${KEPT}`,
        example: "8sKq2mP0QxyZ3vN",
        pattern: "^[ -~]{1,255}$",
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.credential.oauth.client_secret",
        label: "Client secret",
        help: "Client secret of the app; none for a public app.",
        example: "abc123def456",
        secret: true,
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.credential.oauth.jwt",
        label: "JWT",
        help: "A JWT credential made in RingCentral's Developer Console for the user who may read presence.",
        example: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        pattern: "^\\s*[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\s*$",
        secret: true,
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.credential.oauth.refresh_token",
        label: "Refresh token",
        help: "A refresh token of the app; the ones that follow it are kept by the service.",
        example: "abc123def456",
        secret: true,
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.server_url",
        label: "Server",
        help: "Origin of the RingCentral server, with a connection its own. Other than RingCentral's own must be allowed by the operator.",
        example: "https://platform.ringcentral.com",
        defaultValue: DEFAULT_SERVER,
        pattern: "^https?://[^/?#@]+/?$",
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.presence_detail",
        label: "Detail",
        help: "QUEUE reads whether members accept calls of this queue. QUEUE_AND_EXTENSION adds presence, Do Not Disturb and calls in progress. Unset = as much as the criteria need.",
        example: "PRESENCE_DETAIL_QUEUE",
        defaultValue: "PRESENCE_DETAIL_UNSPECIFIED",
        pattern: "^PRESENCE_DETAIL_(UNSPECIFIED|QUEUE|QUEUE_AND_EXTENSION)$",
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.only_extensions",
        label: "Only these extensions",
        help: "Extension numbers, one each; only these members count. None = all.",
        example: "101",
        pattern: "^[0-9]{1,20}$",
      },
    ],
  },
];
