import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type DestinationService,
  EvaluateAcceptanceResponseSchema,
  TestDestinationResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import type { EvaluateAcceptance } from "../../availability/evaluate-acceptance.ts";
import type { TestDestination } from "../../availability/try-destination.ts";
import { compileAcceptance } from "../../destinations/compile.ts";
import type { createPrepare } from "../../destinations/prepare.ts";
import { notFound, type Registry } from "../../destinations/registry.ts";
import { availabilityMessage } from "../convert-availability.ts";
import { explanationMessage } from "../convert-explanation.ts";

type Handlers = Pick<ServiceImpl<typeof DestinationService>, "testDestination" | "evaluateAcceptance">;

export function testHandlers(deps: {
  registry: Pick<Registry, "get">;
  prepare: ReturnType<typeof createPrepare>;
  testDestination: TestDestination;
  evaluateAcceptance: EvaluateAcceptance;
}): Handlers {
  const { registry, prepare, testDestination, evaluateAcceptance } = deps;
  return {
    async testDestination({ target }, context) {
      const saved = target.case === "destinationId" ? registry.get(target.value) : undefined;
      if (target.case === "destinationId" && !saved) throw notFound("test", target.value);
      const entry = target.case === "destination" ? await prepare(target.value) : saved!;
      const { answer, explanation } = await testDestination(entry, context);
      const availability = availabilityMessage(answer);
      return create(TestDestinationResponseSchema, { availability, explanation: explanationMessage(explanation) });
    },

    async evaluateAcceptance({ acceptance, availability, onlyExtensions, responseBody }) {
      const criteria = compileAcceptance({ acceptance, availability, onlyExtensions });
      const { answer, explanation } = await evaluateAcceptance(criteria, new TextDecoder().decode(responseBody));
      return create(EvaluateAcceptanceResponseSchema, {
        availability: availabilityMessage(answer),
        explanation: explanationMessage(explanation),
      });
    },
  };
}
