import { create } from "@bufbuild/protobuf";
import type { Code, HandlerContext, ServiceImpl } from "@connectrpc/connect";
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
import type { Check, CheckQuery } from "../../availability/check.ts";
import { durationMs } from "../../destinations/problems.ts";
import { ServiceError } from "../../lib/errors.ts";
import { checkResponse } from "../convert-availability.ts";
import { codeOf, toConnectError } from "../errors.ts";
import { validateCheck } from "../validate.ts";

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

function itemError(error: unknown) {
  if (error instanceof ServiceError) {
    return { code: codeOf(error.code), message: error.message, violations: [...error.violations] };
  }
  const { code, rawMessage } = toConnectError(error);
  return { code: code as Code, message: rawMessage };
}

function queryOf(request: CheckRequest): CheckQuery {
  const { destinationId, maxAge, maxWait } = request;
  return { destinationId, maxAgeMs: maxAge && durationMs(maxAge), maxWaitMs: maxWait && durationMs(maxWait) };
}
