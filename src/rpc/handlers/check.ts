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
} from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Check } from "../../availability/check.ts";
import { ServiceError } from "../../lib/errors.ts";
import { checkResponse } from "../convert-availability.ts";
import { validateCheck } from "../validate.ts";
import { itemError, queryOf } from "./check-item.ts";

type Handlers = Pick<ServiceImpl<typeof AvailabilityService>, "check" | "batchCheck">;

export function checkHandlers({ check }: { check: Check }): Handlers {
  return {
    check(request, context): CheckResponse | Promise<CheckResponse> {
      const answer = check(queryOf(request), context);
      return answer instanceof Promise ? answer.then(checkResponse) : checkResponse(answer);
    },

    async batchCheck(request: BatchCheckRequest, context: HandlerContext) {
      const results = await Promise.all(request.checks.map((item, index) => one(item, `checks[${index}].`, context)));
      return create(BatchCheckResponseSchema, { results });
    },
  };

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
