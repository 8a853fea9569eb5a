import manifest from "../../package.json" with { type: "json" };

/** What this service calls itself in every request it sends; RingCentral asks for one stable value per program. */
export const USER_AGENT = `AgentAvailability/${manifest.version}`;
