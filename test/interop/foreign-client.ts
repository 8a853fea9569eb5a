import {
  create,
  type DescMessage,
  equals,
  fromJson,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CheckRequestSchema,
  CheckResponseSchema,
  ConfigureRequestSchema,
  ConfigureResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { refusalFrom } from "./refusal.ts";
import { destinationId, type Scene, startScene, unknownId } from "./scene.ts";

/** A client made from the protos alone: takes the script as JSON on its stdin and answers as JSON on its stdout. */
export interface ForeignClient {
  ask(script: string): Promise<string>;
  /** Deletes what was built. */
  remove(): Promise<void>;
}

interface Answers {
  readonly configured: JsonValue;
  readonly checked: JsonValue;
  readonly watched: readonly JsonValue[];
  readonly invalid: { code: number; message: string; status: string };
  readonly unknown: { code: number; message: string; status: string };
}

/** Registers the tests that a client in another language must pass: the answers that Connect for the web got, field by field. */
export function describeForeignClient(name: string, build: () => Promise<ForeignClient>): void {
  describe(name, () => {
    const closing = new AsyncDisposableStack();
    let scene: Scene;
    let answers: Answers;

    beforeAll(async () => {
      const client = await build();
      closing.defer(() => client.remove());
      scene = await startScene();
      closing.defer(() => scene.close());
      answers = JSON.parse(await client.ask(scriptFor(scene))) as Answers;
    });
    afterAll(() => closing.disposeAsync());

    test("Configure() answers it what it answers Connect", () => {
      expectSame(ConfigureResponseSchema, answers.configured, scene.configured);
    });

    test("Check() answers it what it answers Connect", () => {
      expect(scene.checked.availability?.accepted).toBe(true);
      expectSame(CheckResponseSchema, answers.checked, scene.checked);
    });

    test("Watch() sends it the state and synced, as it does to Connect", () => {
      const [state, ...rest] = answers.watched.map((event) => fromJson(WatchResponseSchema, event));
      expect([state, ...rest].map((event) => event?.event.case)).toEqual(["availability", "synced"]);
      expect(state?.event).toEqual(scene.watched[0]?.event);
    });

    test("a refusal reaches it with code, message and details when the request breaks rules", () => {
      expect(scene.invalid.violations.length).toBeGreaterThan(1);
      expect(refusalFrom(answers.invalid)).toEqual(scene.invalid);
    });

    test("a refusal reaches it with code, message and details when the destination is unknown", () => {
      expect(refusalFrom(answers.unknown)).toEqual(scene.unknown);
    });
  });
}

function scriptFor(scene: Scene): string {
  return JSON.stringify({
    address: scene.grpc,
    configure: toJson(ConfigureRequestSchema, scene.configure),
    invalid: toJson(ConfigureRequestSchema, scene.invalidConfigure),
    check: toJson(CheckRequestSchema, create(CheckRequestSchema, { destinationId })),
    unknown: toJson(CheckRequestSchema, create(CheckRequestSchema, { destinationId: unknownId })),
    watch: toJson(WatchRequestSchema, create(WatchRequestSchema, { destinationIds: [destinationId] })),
  });
}

/** Compares as JSON for a readable difference, then as messages, which also sees what JSON hides. */
export function expectSame<S extends DescMessage>(schema: S, answer: JsonValue, expected: MessageShape<S>): void {
  const message = fromJson(schema, answer);
  expect(toJson(schema, message)).toEqual(toJson(schema, expected));
  expect(equals(schema, message, expected)).toBe(true);
}
