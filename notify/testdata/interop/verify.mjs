// Reads a webhook as JSON (headers, body in base64, secret) and prints, for each
// library, whether it verifies and whether it refuses the same with another body.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { HTTP } from "cloudevents";
import Stripe from "stripe";
import { verify as verifyGitHub } from "@octokit/webhooks-methods";

const { headers, body: encoded, secret } = JSON.parse(readFileSync(0, "utf8"));
const body = Buffer.from(encoded, "base64").toString("utf8");
const stripe = new Stripe("sk_test_unused");

const libraries = {
  standardwebhooks: async (text) => new Webhook(secret).verify(text, headers),
  svix: async (text) => new SvixWebhook(secret).verify(text, headers),
  stripe: async (text) => stripe.webhooks.constructEvent(text, headers["stripe-signature"], secret),
  github: async (text) => {
    if (!(await verifyGitHub(secret, text, headers["x-hub-signature-256"]))) throw new Error("signature does not match");
  },
};

const result = {};
for (const [name, verify] of Object.entries(libraries)) {
  result[name] = await verify(body).then(() => "ok", (e) => String(e));
  if (result[name] === "ok") {
    result[name] = await verify(body + " ").then(() => "takes an altered body", () => "ok");
  }
}
try {
  const events = [HTTP.toEvent({ headers, body })].flat();
  const told = JSON.parse(body);
  const same = [told].flat().every((e, i) => events[i].validate() && events[i].id === e.id && events[i].type === e.type && JSON.stringify(events[i].data) === JSON.stringify(e.data));
  result.cloudevents = same && events.length === [told].flat().length ? "ok" : "reads another event: " + JSON.stringify(events);
} catch (e) {
  result.cloudevents = String(e);
}
console.log(JSON.stringify(result));
