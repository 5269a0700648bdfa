// The handlers of the sample: every call that the SDK's client has.
import { NetlifyIntegration, z } from "@netlify/sdk";

const integration = new NetlifyIntegration({
  siteConfigSchema: z.object({ key: z.string().optional() }),
});

const json = (body, statusCode = 200) => ({
  statusCode,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

integration.onEnable(async (_event, { client, siteId }) => {
  await client.enableBuildEventHandlers(siteId);
  return json({ message: "enabled" });
});

integration.onDisable(async (_event, { client, siteId, teamId }) => {
  const variables = await client.getEnvironmentVariables({ accountId: teamId, siteId });
  const own = variables.map(({ key }) => key).filter((key) => key.startsWith("CACHE_"));
  await client.deleteEnvironmentVariables({ accountId: teamId, siteId, variables: own });
  return json({ message: "disabled" });
});

integration.onDisconnect(async () => json({ message: "disconnected" }));

integration.addApiHandler("status", async (event, { client, siteId }) => {
  if (event.body) {
    return json({ error: "a GET has no body" }, 400);
  }
  const { config } = await client.getSiteIntegration(siteId);
  return json({ siteId, config });
});

integration.addApiHandler("connect", async (event, { client, siteId, teamId }) => {
  const { name, key } = JSON.parse(event.body);
  if (key !== "right") {
    return json({ error: "unknown key" }, 401);
  }
  await client.updateSiteIntegration(siteId, { key, name });
  await client.createOrUpdateVariables({
    accountId: teamId,
    siteId,
    variables: { CACHE_KEY: key, CACHE_NAME: { dev: "d", deployPreview: "p", production: "prod", branchDeploys: "b" } },
  });
  return json({ name });
});

integration.addApiHandler("echo", async (event, { siteId, teamId }) => {
  return json({ siteId, teamId, method: event.httpMethod, path: event.path, body: event.body });
});

integration.addApiHandler("crash", async () => {
  setTimeout(() => process.exit(7));
  return new Promise(() => {});
});

integration.addApiHandler("throws", async () => {
  throw new Error("a secret of the handler");
});

integration.addApiHandler("pid", async () => json({ pid: process.pid }));

// Calls all that the client has, and answers what came of it.
integration.addApiHandler("everything", async (_event, { client, siteId, teamId }) => {
  const seen = {};
  const at = { accountId: teamId, siteId };
  seen.site = (await client.getSite(siteId)).id;
  seen.sites = (await client.getSites()).map(({ id }) => id);
  seen.account = (await client.getAccount(teamId)).id;
  seen.renamed = (await client.updateSite(siteId, { name: "renamed" })).name;
  await client.createEnvironmentVariable({ ...at, key: "CACHE_A", values: [{ context: "all", value: "1" }] });
  await client.updateEnvironmentVariable({ ...at, key: "CACHE_A", values: [{ context: "all", value: "2" }] });
  await client.patchEnvironmentVariable({ ...at, key: "CACHE_A", context: "production", value: "3" });
  await client.createOrUpdateVariable({ ...at, key: "CACHE_B", value: "4" });
  await client.deleteEnvironmentVariable({ ...at, key: "CACHE_B" });
  seen.variables = await client.getEnvironmentVariables(at);
  seen.missing = await client.deleteEnvironmentVariable({ ...at, key: "CACHE_B" }).then(
    () => "no error",
    (error) => error.status,
  );
  const hook = await client.createBuildHook(siteId, { title: "Cache", branch: "main" });
  seen.hook = hook.url;
  await client.deleteBuildHook(siteId, hook.id);
  seen.notice = (
    await client.createHook({ type: "url", event: "deploy_created", site_id: siteId, data: { url: "https://example.com/" } })
  ).id;
  await client.enableTeamIntegration(teamId, { shared: 1 });
  seen.again = await client.enableTeamIntegration(teamId).then(
    () => "no error",
    (error) => error.status,
  );
  await client.updateTeamIntegration(teamId, { shared: 2 });
  await client.enableConnectors(teamId);
  seen.team = await client.getTeamIntegration(teamId);
  await client.disableConnectors(teamId);
  const { token } = await client.generateBuildToken(siteId, teamId);
  await client.setBuildToken(teamId, siteId, token);
  seen.buildToken = (await client.getEnvironmentVariables(at)).some(({ key }) => key === "CACHE_BUILD_TOKEN");
  await client.disableBuildEventHandlers(siteId);
  seen.off = (await client.getSiteIntegration(siteId)).has_build_hook_enabled;
  await client.enableBuildEventHandlers(siteId);
  await client.removeBuildToken(teamId, siteId);
  await client.disableTeamIntegration(teamId);
  return json(seen);
});

integration.addApiHandler("build-token", async (_event, { client, siteId, teamId }) => {
  return json(await client.generateBuildToken(siteId, teamId));
});

integration.addWebhookHandler("", async (event) => json({ webhook: event.body, query: event.queryStringParameters }));
integration.addWebhookHandler("orders", async (event) => json({ orders: event.httpMethod, path: event.path }));

integration.addBuildEventContext(async ({ site_config }) => ({ key: site_config.key }));
integration.addBuildEventHandler("onPreBuild", ({ buildContext }) => {
  console.log(`cache: built with ${buildContext?.key ?? "no context"}`);
});

export { integration };
