import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { TEMPLATES } from "../../templates/catalogue.ts";
import { pageToken } from "../paging.ts";
import { clientsOf } from "./test-client.ts";

const { listTemplates } = clientsOf({}).destinations;

test("listTemplates() answers every template with every field whole", async () => {
  const { templates, nextPageToken } = await listTemplates({});
  expect(templates).toMatchObject(TEMPLATES);
  expect(nextPageToken).toBe("");
});

test("listTemplates() gives what comes after the token", async () => {
  const ids = TEMPLATES.map(({ id }) => id);
  const seen: string[] = [];
  let token = "";
  do {
    const page = await listTemplates({ pageSize: 1, pageToken: token });
    seen.push(...page.templates.map(({ id }) => id));
    token = page.nextPageToken;
  } while (token !== "");
  expect(seen).toEqual(ids);
  expect((await listTemplates({ pageToken: pageToken(ids.at(-1)!) })).templates).toEqual([]);
});

test("listTemplates() refuses a size below 0 and a token that is none", async () => {
  for (const request of [{ pageSize: -1 }, { pageToken: "x" }])
    await expect(listTemplates(request)).rejects.toMatchObject({ code: Code.InvalidArgument });
});
