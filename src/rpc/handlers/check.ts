import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type {
  AvailabilityService,
  BatchCheckRequest,
  BatchCheckResult,
  CheckRequest,
  CheckResponse,
} from "../../../gen/availability/v1/availability_service_pb.ts";
import {
  BatchCheckResponseSchema,
  BatchCheckResultSchema,
  CheckResponseSchema,
} from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Check } from "../../availability/check.ts";
import type { ExplainedCheck } from "../../availability/explained-check.ts";
import { ServiceError } from "../../lib/errors.ts";
import { availabilityMessage, checkResponse } from "../convert-availability.ts";
import { explanationMessage } from "../convert-explanation.ts";
import { itemError } from "../item-error.ts";
import { validateCheck } from "../validate.ts";
import { queryOf } from "./check-item.ts";

type Handlers = Pick<ServiceImpl<typeof AvailabilityService>, "check" | "batchCheck">;

export function checkHandlers(deps: { check: Check; explainedCheck: ExplainedCheck }): Handlers {
  const { check, explainedCheck } = deps;
  return {
    check(request, context): CheckResponse | Promise<CheckResponse> {
      if (request.explain) return explained(request, context);
      const answer = check(queryOf(request), context);
      return answer instanceof Promise ? answer.then(checkResponse) : checkResponse(answer);
    },

    async batchCheck(request: BatchCheckRequest, context: HandlerContext) {
      const results = await Promise.all(request.checks.map((item, index) => one(item, `checks[${index}].`, context)));
      return create(BatchCheckResponseSchema, { results });
    },
  };

  async function explained(request: CheckRequest, context: HandlerContext): Promise<CheckResponse> {
    const { answer, explanation } = await explainedCheck(queryOf(request), context);
    const availability = availabilityMessage(answer);
    return create(CheckResponseSchema, { availability, explanation: explanationMessage(explanation) });
  }

  /** One item, judged alone: what is wrong with it is its own error. */
  async function one(item: CheckRequest, path: string, context: HandlerContext): Promise<BatchCheckResult> {
    try {
      validateCheck(item, path);
      const response = checkResponse(await check(queryOf(item), context));
      return create(BatchCheckResultSchema, { outcome: { case: "response", value: response } });
    } catch (error) {
      // The call as a whole is over; no item has an answer.
      if (error instanceof ServiceError && error.code === "CANCELLED") throw error;
      return create(BatchCheckResultSchema, { outcome: { case: "error", value: itemError(error) } });
    }
  }
}
