import { run, show } from "./programs.ts";

/** Which of the Debian packages are not installed; all of them where there is no dpkg. */
export async function missingPackages(names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg fills this in.
    const { output } = await run("dpkg-query", ["--show", "--showformat=${db:Status-Status}", name]);
    if (output !== "installed") missing.push(name);
  }
  return missing;
}

/** Installs what is missing, where that is possible; resolves to why it could not, or to undefined. */
export async function install(names: readonly string[]): Promise<string | undefined> {
  const missing = await missingPackages(names);
  if (missing.length === 0) return undefined;
  const command = `apt-get install --no-install-recommends ${missing.join(" ")}`;
  if (!(await run("apt-get", ["--version"])).ok) return "this machine has no apt-get";
  if (process.getuid?.() !== 0) return `only root can install them; run "sudo ${command}"`;
  console.log(`Installing ${missing.join(" ")}`);
  const quietly = { DEBIAN_FRONTEND: "noninteractive" };
  // A list that cannot be brought up to date may still do.
  await show("apt-get", ["-qq", "update"], quietly);
  const { ok, output } = await run("apt-get", ["-qq", "-y", "--no-install-recommends", "install", ...missing], quietly);
  if (ok) return undefined;
  console.error(output);
  return `"${command}" failed`;
}
