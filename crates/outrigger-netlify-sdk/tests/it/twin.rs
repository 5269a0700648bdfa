//! The sample's first pages once more, in Rust: the same elements, and callbacks that do the same.

use outrigger_integrations::handler::HandlerCall;
use outrigger_integrations::surface::build::*;
use outrigger_integrations::surface::{Condition, Element, Kind, NativeSurface, Route, SurfaceError, SurfaceState};
use serde_json::{Value, json};

fn condition() -> Condition {
    serde_json::from_value(json!({ "falsy": "$PKG.enabled", "then": { "display": "hidden" } })).unwrap()
}

fn connect_form() -> Element {
    let name = input_text("name", "Name").placeholder("orders").help_text("What you call it.").required();
    let fields: [Element; 5] = [
        name.left_label("cache/").validation("[a-z-]+", "Small letters only.").into(),
        input_password("key", "Key").help_text("It is not shown again.").required().into(),
        select("region", "Region").option("eu", "Europe").option("us", "America").required().into(),
        input_text("about", "About").value("A cache").field_type("textarea").into(),
        input_text("port", "Port").floating_label("Port").field_type("number").into(),
    ];
    form("connect", "Connect")
        .description("With an account of yours.")
        .save_label("Connect it")
        .saving_label("Connecting …")
        .variant("settings")
        .hide_cancel(true)
        .contents(fields)
        .into()
}

fn elements() -> Vec<Element> {
    let lists: [Element; 2] = [
        unordered_list().item("Plain").item_with_icon("Good", "success").item_with_icon("Bad", "warning").into(),
        ordered_list(["First", "Second"]).into(),
    ];
    let set_up: [Element; 6] = [
        text("Read **this** [first](https://example.com/docs).").id("intro").into(),
        link("https://example.com/docs", "Documentation").target("_blank").into(),
        alert("info", "Nothing is set up yet.").id("hint").into(),
        alert("error", "It is **down**.").id("down").hidden().into(),
        connect_form(),
        card("Lists").description("Of two kinds.").contents(lists).into(),
    ];
    let pick = select("pick", "Cache").placeholder("Choose a cache").option("a", "Alpha").option("b", "Beta");
    let wipe = button("wipe", "Wipe it").variant("danger").confirmation_message("Everything in it will be gone.");
    let using: [Element; 4] = [
        pick.into(),
        code_snippet("js", "const cache = open(\"none\"); // yet").id("snippet").hidden().into(),
        button("add-cache", "Add a cache").variant("pop").into(),
        wipe.into(),
    ];
    vec![
        text("Both callbacks of the page have run.").id("again").hidden().into(),
        section("Set up").description("What it needs.").contents(set_up).into(),
        section("Use").description("What it is for.").contents(using).into(),
        text("Only while it is enabled.").when(condition()).into(),
        connection("Cache Inc", "Connect with your account.", "You are connected.").into(),
        disable_integration("Cache").description("Its variables go too.").into(),
    ]
}

async fn load(state: &mut SurfaceState) -> Result<(), SurfaceError> {
    if state.data["connected"] == true {
        state.hide("hint");
    }
    let reply = state.fetch(HandlerCall::get("status")).await;
    if reply.is_ok() {
        let status: Value = reply.read().unwrap();
        let account = state.context.account.clone();
        if let Some(Kind::Text(intro)) = state.kind("intro") {
            intro.value = format!("**{}** of {account}", status["siteId"].as_str().unwrap());
        }
    }
    Ok(())
}

async fn connect(state: &mut SurfaceState) -> Result<(), SurfaceError> {
    let body = json!({ "name": state.form_input("connect", "name"), "key": state.form_input("connect", "key") });
    if !state.fetch(HandlerCall::post("connect", &body)).await.is_ok() {
        return Err(SurfaceError::told("The service does not know this key."));
    }
    state.set_form_input("connect", "name", "taken");
    state.data["connected"] = json!(true);
    state.navigate_to("/");
    Ok(())
}

pub(crate) fn surface() -> NativeSurface {
    let first = Route::new(elements())
        .on_load(|state| Box::pin(load(state)))
        .on_load(|state| {
            Box::pin(async move {
                state.show("again");
                Ok(())
            })
        })
        .on_submit("connect", |state| Box::pin(connect(state)))
        .on_change("connect_region", |state, value| {
            Box::pin(async move {
                if let Some(Kind::InputText(about)) = state.kind("connect_about") {
                    about.help_text = Some(format!("In {value}"));
                }
                Ok(())
            })
        })
        .on_change("pick", |state, value| {
            Box::pin(async move {
                if let Some(Kind::CodeSnippet(snippet)) = state.kind("snippet") {
                    snippet.code = format!("const cache = open(\"{value}\");");
                }
                state.show("snippet");
                Ok(())
            })
        })
        .on_click("add-cache", |state| {
            Box::pin(async move {
                state.navigate_to("/add");
                Ok(())
            })
        })
        .on_click("wipe", |state| {
            Box::pin(async move {
                state.show("down");
                state.elements.truncate(2);
                Ok(())
            })
        });
    let add: [Element; 4] = [
        text("Add one here.").id("hello").into(),
        button("back", "Back").into(),
        button("out", "Docs").into(),
        button("by-hand", "Call by hand").into(),
    ];
    let add = Route::new(add)
        .on_click("back", |state| {
            Box::pin(async move {
                state.navigate_to("/");
                Ok(())
            })
        })
        .on_click("out", |state| {
            Box::pin(async move {
                state.navigate_externally("https://example.com/docs".parse().unwrap());
                Ok(())
            })
        });
    NativeSurface::new("cache", "Cache").route("/", first).route("/add", add)
}
