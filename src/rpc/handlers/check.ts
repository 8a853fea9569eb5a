import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type {
  AvailabilityService,
  BatchCheckResponse,
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
import { settle } from "../guard.ts";
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

    batchCheck(request, context): BatchCheckResponse | Promise<BatchCheckResponse> {
      const results = request.checks.map((item, index) => one(item, `checks[${index}].`, context));
      if (results.every(isKnown)) return create(BatchCheckResponseSchema, { results });
      return Promise.all(results.map(async (result) => result)).then((results) =>
        create(BatchCheckResponseSchema, { results }),
      );
    },
  };

  async function explained(request: CheckRequest, context: HandlerContext): Promise<CheckResponse> {
    const { answer, explanation } = await explainedCheck(queryOf(request), context);
    const availability = availabilityMessage(answer);
    return create(CheckResponseSchema, { availability, explanation: explanationMessage(explanation) });
  }

  /** One item, judged alone: what is wrong with it is its own error. */
  function one(
    item: CheckRequest,
    path: string,
    context: HandlerContext,
  ): BatchCheckResult | Promise<BatchCheckResult> {
    return settle(
      () => {
        validateCheck(item, path);
        return check(queryOf(item), context);
      },
      (answer) => resultOf({ case: "response", value: checkResponse(answer) }),
      (error) => {
        // The call as a whole is over; no item has an answer.
        if (error instanceof ServiceError && error.code === "CANCELLED") throw error;
        return resultOf({ case: "error", value: itemError(error) });
      },
    );
  }
}

function resultOf(outcome: BatchCheckResult["outcome"]): BatchCheckResult {
  return create(BatchCheckResultSchema, { outcome });
}

function isKnown(result: BatchCheckResult | Promise<BatchCheckResult>): result is BatchCheckResult {
  return !(result instanceof Promise);
}
