// The surface of the sample: every kind of element, every kind of callback.
import { NetlifyIntegrationUI } from "@netlify/sdk";

const integrationUI = new NetlifyIntegrationUI("Cache");
const surface = integrationUI.addSurface("integrations-settings");

const first = surface.addRoute("/");
first.onLoad(async ({ picker, fetch, surfaceData, integrationContext }) => {
  const hint = picker.getElementById("hint");
  if (surfaceData?.connected) {
    hint.display = "hidden";
  }
  const answer = await fetch("status");
  if (answer.ok) {
    const status = await answer.json();
    picker.getElementById("intro").value = `**${status.siteId}** of ${integrationContext.accountId}`;
  }
});
first.onLoad(({ picker }) => {
  picker.getElementById("again").display = "visible";
});
first
  .addText({ id: "again", display: "hidden", value: "Both callbacks of the page have run." })
  .addSection({ title: "Set up", description: "What it needs." }, (section) => {
    section
      .addText({ id: "intro", value: "Read **this** [first](https://example.com/docs)." })
      .addLink({ href: "https://example.com/docs", text: "Documentation", target: "_blank", block: true })
      .addAlert({ id: "hint", level: "info", text: "Nothing is set up yet." })
      .addAlert({ id: "down", display: "hidden", level: "error", text: "It is **down**." })
      .addForm(
        {
          id: "connect",
          title: "Connect",
          description: "With an account of yours.",
          saveLabel: "Connect it",
          savingLabel: "Connecting …",
          variant: "settings",
          hideCancel: true,
          onSubmit: async ({ picker, fetch, integrationNavigation, surfaceData }) => {
            const body = JSON.stringify({
              name: picker.getFormInputValue("connect", "name"),
              key: picker.getFormInputValue("connect", "key"),
            });
            const answer = await fetch("connect", { method: "POST", body });
            if (!answer.ok) {
              throw new Error("The service does not know this key.");
            }
            picker.setFormInputValue("connect", "name", "taken");
            surfaceData.connected = true;
            integrationNavigation.navigateTo("/");
          },
        },
        (form) => {
          form
            .addInputText({
              id: "name",
              label: "Name",
              placeholder: "orders",
              helpText: "What you call it.",
              required: true,
              leftLabel: "cache/",
              validation: { pattern: "[a-z-]+", message: "Small letters only." },
            })
            .addInputPassword({ id: "key", label: "Key", helpText: "It is not shown again.", required: true })
            .addInputSelect({
              id: "region",
              label: "Region",
              options: [
                { value: "eu", label: "Europe" },
                { value: "us", label: "America" },
              ],
              required: true,
              callback: ({ picker }, value) => {
                picker.getFormElementById("connect", "about").helpText = `In ${value}`;
              },
            })
            .addInputText({ id: "about", label: "About", value: "A cache", fieldType: "textarea" })
            .addInputText({ id: "port", label: "Port", floatingLabel: "Port", fieldType: "number" });
        },
      )
      .addCard({ title: "Lists", description: "Of two kinds." }, (card) => {
        card
          .addUnorderedList({
            items: [{ text: "Plain" }, { text: "Good", icon: "success" }, { text: "Bad", icon: "warning" }],
          })
          .addOrderedList({ items: ["First", "Second"] });
      });
  })
  .addSection({ title: "Use", description: "What it is for." }, (section) => {
    section
      .addInputSelect({
        id: "pick",
        label: "Cache",
        placeholder: "Choose a cache",
        options: [
          { value: "a", label: "Alpha" },
          { value: "b", label: "Beta" },
        ],
        callback: ({ picker }, value) => {
          const snippet = picker.getElementById("snippet");
          snippet.code = `const cache = open("${value}");`;
          snippet.display = "visible";
        },
      })
      .addCodeSnippet({ id: "snippet", display: "hidden", code: 'const cache = open("none"); // yet', language: "js" })
      .addButton({
        id: "add-cache",
        title: "Add a cache",
        variant: "pop",
        callback: ({ integrationNavigation }) => integrationNavigation.navigateTo("/add"),
      })
      .addButton({
        id: "wipe",
        title: "Wipe it",
        variant: "danger",
        confirmationMessage: "Everything in it will be gone.",
        callback: (state) => {
          state.picker.getElementById("down").display = "visible";
          // What a callback returns takes the place of what is there.
          return { surfaceRouteConfig: state.surfaceRouteConfig.slice(0, 2), surfaceInputsData: {} };
        },
      });
  })
  .addText({ value: "Only while it is enabled.", if: { falsy: "$PKG.enabled", then: { display: "hidden" } } })
  .addOAuthCard({
    providerFriendlyName: "Cache Inc",
    connectWithMessage: "Connect with your account.",
    disconnectFromMessage: "You are connected.",
  })
  .addDisableIntegrationSection({ integrationName: "Cache", description: "Its variables go too." });

const add = surface.addRoute("/add");
add
  .addText({ id: "hello", value: "Add one here." })
  .addButton({ id: "back", title: "Back", callback: ({ integrationNavigation }) => integrationNavigation.navigateTo("/") })
  .addButton({
    id: "out",
    title: "Docs",
    callback: ({ integrationNavigation }) => integrationNavigation.navigateExternally("https://example.com/docs"),
  })
  .addButton({
    id: "by-hand",
    title: "Call by hand",
    callback: async ({ picker, integrationContext }) => {
      // As integrations do that build the address themselves.
      const { serverUrl, siteId, accountId, netlifyToken } = integrationContext;
      const url = new URL(`${serverUrl}/.netlify/functions/handler/echo`);
      url.searchParams.set("siteId", siteId);
      url.searchParams.set("teamId", accountId);
      const headers = new Headers({ "netlify-token": netlifyToken });
      const answer = await fetch(url, { method: "POST", headers, body: "Grüße" });
      picker.getElementById("hello").value = `${answer.status} ${await answer.text()}`;
    },
  });

const bad = surface.addRoute("/bad");
bad
  .addText({ id: "rest", value: "Still here." })
  .addButton({
    id: "spin",
    title: "Spin",
    callback: ({ picker }) => {
      picker.getElementById("rest").display = "hidden";
      for (;;);
    },
  })
  .addButton({
    id: "hang",
    title: "Hang",
    callback: () => new Promise(() => {}),
  })
  .addButton({
    id: "hoard",
    title: "Hoard",
    callback: () => {
      const all = [];
      for (;;) all.push(new Array(10_000).fill(all.length));
    },
  })
  .addButton({
    id: "dig",
    title: "Dig",
    callback: () => {
      const dig = () => dig() + 1;
      dig();
    },
  })
  .addButton({
    id: "flood",
    title: "Flood",
    callback: async ({ fetch }) => {
      for (;;) await fetch("status");
    },
  })
  .addButton({
    id: "abroad",
    title: "Abroad",
    callback: async () => {
      await fetch("http://127.0.0.1:9/");
    },
  })
  .addButton({
    id: "throw",
    title: "Throw",
    callback: () => {
      throw "a plain text";
    },
  })
  .addButton({
    id: "hostile",
    title: "Hostile",
    callback: ({ picker }) => {
      picker.getElementById("rest").value = "<script>alert(1)</script>[x](javascript:alert(1))";
    },
  });

surface.addRoute("/circle").onLoad(({ integrationNavigation }) => integrationNavigation.navigateTo("/circle"));

export { integrationUI };
