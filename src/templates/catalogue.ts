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
        fieldPath: "ring_central.credential.bearer_token",
        label: "Bearer token",
        help: 'An access token with the permission ReadPresence. A leading "Bearer " is dropped. Left empty later on, the stored one is kept.',
        example: "Bearer abc123def456",
        required: true,
        secret: true,
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.server_url",
        label: "Server",
        help: "Origin of the RingCentral server. Other than RingCentral's own must be allowed by the operator.",
        example: "https://platform.ringcentral.com",
        defaultValue: DEFAULT_SERVER,
        pattern: "^https?://[^/?#@]+/?$",
      },
      {
        ...OPTIONAL,
        fieldPath: "ring_central.presence_detail",
        label: "Detail",
        help: "QUEUE reads whether members accept calls of this queue. Calls in progress are not seen.",
        example: "PRESENCE_DETAIL_QUEUE",
        defaultValue: "PRESENCE_DETAIL_QUEUE",
        pattern: "^PRESENCE_DETAIL_(UNSPECIFIED|QUEUE)$",
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
