//! A surface with every kind of element and every kind of callback.

use std::time::Duration;

use outrigger_integrations::handler::HandlerCall;
use outrigger_integrations::surface::build::*;
use outrigger_integrations::surface::{Element, Kind, NativeSurface, Route, SurfaceError, SurfaceState};
use serde_json::json;

/// The elements of the first page.
fn elements() -> Vec<Element> {
    let name = input_text("name", "Name").required().placeholder("orders").validation("[a-z-]+", "Small letters only.");
    let fields: [Element; 5] = [
        name.help_text("What you call it.").into(),
        input_password("key", "Key").required().help_text("It is not shown again.").into(),
        select("region", "Region").option("eu", "Europe").option("us", "America").required().into(),
        input_text("about", "About").field_type("textarea").value("A cache").into(),
        input_text("port", "Port").field_type("number").left_label("Port of the cache").into(),
    ];
    let form = form("connect", "Connect")
        .description("With an account of yours.")
        .save_label("Connect it")
        .saving_label("Connecting …")
        .cancel_label("Not now")
        .variant("settings")
        .contents(fields);
    let pick = select("pick", "Cache").placeholder("Choose a cache").option("a", "Alpha").option("b", "Beta");
    let lists: [Element; 2] = [
        unordered_list().item("Plain").item_with_icon("Good", "success").item_with_icon("Bad", "warning").into(),
        ordered_list(["First", "Second"]).into(),
    ];
    let parts: [Element; 6] = [
        text("Read **this** [first](https://example.com/docs).").id("intro").into(),
        link("https://example.com/docs", "Documentation").target("_blank").into(),
        alert("info", "Nothing is set up yet.").id("hint").into(),
        alert("error", "It is **down**.").id("down").hidden().into(),
        form.into(),
        card("Lists").description("Of two kinds.").contents(lists).into(),
    ];
    let buttons: [Element; 4] = [
        pick.into(),
        code_snippet("js", "const cache = open(\"none\"); // yet").id("snippet").hidden().into(),
        button("add", "Add a cache").variant("pop").into(),
        button("wipe", "Wipe it").variant("danger").confirmation_message("Everything in it will be gone.").into(),
    ];
    vec![
        section("Set up").description("What it needs.").contents(parts).into(),
        section("Use").contents(buttons).into(),
        button("break", "Break").hidden().into(),
        connection("Cache Inc", "Connect with your account.", "You are connected.").into(),
        disable_integration("Cache").description("Its variables go too.").into(),
    ]
}

/// The surface.
pub(crate) fn surface() -> NativeSurface {
    let first = Route::new(elements())
        .on_load(|state| Box::pin(load(state)))
        .on_submit("connect", |state| Box::pin(connect(state)))
        .on_cancel("connect", |state| {
            Box::pin(async move {
                state.hide("connect");
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
        .on_click("add", |state| {
            Box::pin(async move {
                state.navigate_to("/add");
                Ok(())
            })
        })
        .on_click("wipe", |state| {
            Box::pin(async move {
                state.data["wiped"] = json!(state.data["wiped"].as_u64().unwrap_or(0) + 1);
                state.show("down");
                Ok(())
            })
        });
    let add = Route::new([text("Add one here.").into(), button("back", "Back").into()]).on_click("back", |state| {
        Box::pin(async move {
            state.navigate_to("/");
            Ok(())
        })
    });
    NativeSurface::new("cache", "Cache")
        .route("/", first)
        .route("/add", add)
        .route(
            "/circle",
            Route::new([]).on_load(|state| {
                Box::pin(async {
                    state.navigate_to("/circle");
                    Ok(())
                })
            }),
        )
        .route("/hostile", hostile())
        .route("/bad", bad())
}

async fn load(state: &mut SurfaceState) -> Result<(), SurfaceError> {
    if state.data["connected"] == true {
        state.hide("hint");
    }
    Ok(())
}

/// Asks a handler, which knows whether the key is right.
async fn connect(state: &mut SurfaceState) -> Result<(), SurfaceError> {
    let body = json!({ "name": state.form_input("connect", "name"), "key": state.form_input("connect", "key") });
    let reply = state.fetch(HandlerCall::post("connect", &body)).await;
    if !reply.is_ok() {
        return Err(SurfaceError::told("The service does not know this key."));
    }
    state.data["connected"] = json!(true);
    state.navigate_to("/");
    Ok(())
}

/// Callbacks that do not do what they should.
fn bad() -> Route {
    let elements: [Element; 3] =
        [button("panic", "Panic").into(), button("hang", "Hang").into(), text("Still here.").id("rest").into()];
    Route::new(elements)
        .on_click("panic", |state| {
            Box::pin(async move {
                state.hide("rest");
                panic!("a secret of mine");
            })
        })
        .on_click("hang", |state| {
            Box::pin(async move {
                state.hide("rest");
                tokio::time::sleep(Duration::from_secs(3600)).await;
                Ok(())
            })
        })
}

/// Texts that would like to be more than that.
fn hostile() -> Route {
    let evil = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>";
    Route::new([
        section(evil).description(evil).contents([text(format!("{evil} [x](javascript:alert(1))"))]).into(),
        link("javascript:alert(1)", evil).into(),
        alert(evil, evil).into(),
        code_snippet(evil, evil).into(),
        form(evil, evil).save_label(evil).contents([input_text(evil, evil).value(evil).help_text(evil)]).into(),
        select(evil, evil).option(evil, evil).into(),
        button(evil, evil).confirmation_message(evil).into(),
        unordered_list().item_with_icon(evil, evil).into(),
    ])
}
