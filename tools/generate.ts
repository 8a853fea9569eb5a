import { show } from "./programs.ts";

// npm run generate: gen/ anew from proto/, as buf.gen.yaml says. Commit what it changes together with the proto.
process.exitCode = (await show("buf", ["generate"])) ? 0 : 1;
