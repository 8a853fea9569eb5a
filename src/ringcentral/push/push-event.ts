/** What a connection can be told of. Account ids as in paths: `~` or digits. */
export type PushFilter =
  /** Opting in and out of one queue. */
  | { readonly kind: "queue"; readonly accountId: string; readonly queueId: string }
  /** Presence, telephony and Do Not Disturb of one extension. */
  | { readonly kind: "extension"; readonly accountId: string; readonly extensionId: string }
  /** The same of every extension of the account. */
  | { readonly kind: "account"; readonly accountId: string };

/** The presence fields of an extension, as RingCentral names them. */
export interface ExtensionPresence {
  readonly presenceStatus?: string;
  readonly userStatus?: string;
  readonly dndStatus?: string;
  readonly dndStatusPersonal?: string;
  readonly acceptCallQueueCalls?: boolean;
  readonly telephonyStatus?: string;
  readonly aggregatedTelephonyStatus?: string;
  readonly meetingStatus?: string;
}

/** News by push; ids as text. */
export type PushEvent =
  | {
      readonly kind: "queue";
      readonly queueId: string;
      /** Only those whose opt-in is told. */
      readonly members: readonly { readonly extensionId: string; readonly acceptCurrentQueueCalls: boolean }[];
    }
  | {
      readonly kind: "extension";
      readonly extensionId: string;
      /** Only what is told. */
      readonly presence: ExtensionPresence;
      /** Orders the events of an extension within a session, where RingCentral sends it. */
      readonly sequence: number | undefined;
    };
