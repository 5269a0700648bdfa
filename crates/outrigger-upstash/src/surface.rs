//! The two pages: the site's databases, and the one on which another is chosen.

use outrigger_integrations::handler::HandlerCall;
use outrigger_integrations::surface::build::*;
use outrigger_integrations::surface::element::SelectOption;
use outrigger_integrations::surface::{CallbackResult, Kind, NativeSurface, Route, SurfaceError, SurfaceState};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::handlers::{Available, Status, Used};
use crate::names::VariableNames;
use crate::snippets::Language;

const DOCS: &str = "https://upstash.com/docs/redis/overall/getstarted";
const CONSOLE: &str = "https://console.upstash.com/account/api";

/// Where another database is chosen.
const INTEGRATE: &str = "/integrate-database";

pub(crate) fn surface() -> NativeSurface {
    NativeSurface::new("upstash", "Upstash").route("/", root()).route(INTEGRATE, integrate_database())
}

fn root() -> Route {
    let connect = form("connect", "Connect with Upstash")
        .description("With the e-mail address of your account and an API key. The key is checked before it is kept.")
        .save_label("Connect")
        .saving_label("Connecting …")
        .hide_cancel(true)
        .with(input_text("email", "E-mail address").field_type("email").required())
        .with(
            input_password("api-key", "API key").required().help_text("Made in the console of Upstash, in “Account”."),
        )
        .hidden();
    let languages = Language::ALL
        .into_iter()
        .fold(select("language", "For"), |select, language| select.option(language.id(), language.label()));
    let use_it = section("Use a database")
        .id("use")
        .description("The code connects with nothing but the site's variables.")
        .with(select("database", "Database").placeholder("Choose a database"))
        .with(languages.placeholder("Choose a language"))
        .with(code_snippet("js", "").id("snippet").hidden())
        .with(
            button("rotate", "New token")
                .confirmation_message(
                    "The database gets another password and other tokens, and the site's variables with them. \
                     Whatever else uses the old ones stops working at once.",
                )
                .hidden(),
        )
        .with(
            button("remove", "Remove from this site")
                .variant("danger")
                .confirmation_message("The site's variables of this database are deleted. The database itself stays.")
                .hidden(),
        )
        .hidden();
    let databases = card("Databases")
        .id("databases")
        .with(text("No database yet.").id("none").hidden())
        .with(unordered_list().id("list").hidden())
        .with(button("add", "Add database").variant("pop"))
        .hidden();
    let connected =
        card("Connection").id("connection").with(text("").id("account")).with(button("again", "Change the key"));
    let read_on = card("Read on")
        .with(link(DOCS, "Upstash's documentation").target("_blank"))
        .with(link(CONSOLE, "API keys in the console").target("_blank"))
        .with(text("To try a database, copy the code below it, and run it with `outrigger run -- …`."));
    Route::default()
        .with(alert("warning", "").id("problem").hidden())
        .with(connect)
        .with(databases)
        .with(use_it)
        .with(connected.hidden())
        .with(read_on)
        .with(disable_integration("Upstash").description("Its variables are deleted from this site."))
        .on_load(|state| Box::pin(load(state)))
        .on_submit("connect", |state| Box::pin(connect_it(state)))
        .on_click("add", |state| Box::pin(go(state, INTEGRATE)))
        .on_click("again", |state| Box::pin(ask_for_the_key(state)))
        .on_change("database", |state, _| Box::pin(show_snippet(state)))
        .on_change("language", |state, _| Box::pin(show_snippet(state)))
        .on_click("rotate", |state| Box::pin(with_chosen(state, "rotate")))
        .on_click("remove", |state| Box::pin(with_chosen(state, "remove")))
}

fn integrate_database() -> Route {
    let form = form("integrate", "Add a database")
        .description("Its address and token become variables of this site.")
        .save_label("Add")
        .saving_label("Adding …")
        .with(select("database", "Database").placeholder("Choose a database").required());
    Route::default()
        .with(alert("warning", "").id("problem").hidden())
        .with(form)
        .with(unordered_list().id("unfit").hidden())
        .on_load(|state| Box::pin(load_choices(state)))
        .on_submit("integrate", |state| Box::pin(integrate_it(state)))
        .on_cancel("integrate", |state| Box::pin(go(state, "/")))
}

async fn go(state: &mut SurfaceState, path: &str) -> CallbackResult {
    state.navigate_to(path);
    Ok(())
}

/// Calls a handler. What it says of a failure is for people.
async fn ask<T: DeserializeOwned>(state: &SurfaceState, call: HandlerCall) -> Result<T, SurfaceError> {
    let name = call.name.clone();
    let reply = state.fetch(call).await;
    if reply.is_ok() {
        return reply.read().map_err(|error| SurfaceError::Broken(format!("the answer of `{name}`: {error}")));
    }
    let said: Value = reply.read().unwrap_or_default();
    Err(SurfaceError::told(said["error"].as_str().unwrap_or("This did not succeed. Try again.")))
}

async fn load(state: &mut SurfaceState) -> CallbackResult {
    let status: Status = ask(state, HandlerCall::get("status")).await?;
    if let Some(problem) = &status.problem {
        warn(state, problem);
    }
    if !status.connected {
        state.show("connect");
        return Ok(());
    }
    state.show("databases");
    state.show("connection");
    if let Some(Kind::Text(text)) = state.kind("account") {
        text.value = format!("Connected as {}.", plain(&status.email));
    }
    state.show(if status.databases.is_empty() { "none" } else { "list" });
    if status.databases.is_empty() {
        return Ok(());
    }
    list(state, &status.databases);
    state.show("use");
    let options = status.databases.iter().map(|database| SelectOption::new(&database.id, &database.name)).collect();
    if let Some(Kind::Select(select)) = state.kind("database") {
        select.options = options;
    }
    state.data = json!(status.databases);
    Ok(())
}

fn list(state: &mut SurfaceState, databases: &[Used]) {
    let items = databases.iter().fold(unordered_list(), |list, database| {
        let names = VariableNames::of(&database.name);
        if database.missing {
            let text =
                format!("{}: it is no longer in this account at Upstash. Its variables are still set.", database.name);
            return list.item_with_icon(text, "warning");
        }
        list.item_with_icon(format!("{}: {}, {}", database.name, names.full_url(), names.token()), "success")
    });
    let built: outrigger_integrations::surface::Element = items.into();
    if let (Some(Kind::UnorderedList(list)), Kind::UnorderedList(built)) = (state.kind("list"), built.kind) {
        list.items = built.items;
    }
}

fn warn(state: &mut SurfaceState, problem: &str) {
    if let Some(Kind::Alert(alert)) = state.kind("problem") {
        alert.text = plain(problem);
    }
    state.show("problem");
}

/// Text that is no Markdown.
fn plain(text: &str) -> String {
    let special = |c: char| c.is_ascii_punctuation();
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

async fn connect_it(state: &mut SurfaceState) -> CallbackResult {
    let body = json!({
        "email": state.form_input("connect", "email"),
        "apiKey": state.form_input("connect", "api-key"),
    });
    let _: Value = ask(state, HandlerCall::post("connect", &body)).await?;
    state.navigate_to("/");
    Ok(())
}

async fn ask_for_the_key(state: &mut SurfaceState) -> CallbackResult {
    state.show("connect");
    state.hide("connection");
    Ok(())
}

/// The code for the chosen database in the chosen language.
async fn show_snippet(state: &mut SurfaceState) -> CallbackResult {
    let chosen =
        |state: &SurfaceState, id: &str| state.inputs.get(id).map_or(String::new(), |input| input.text().to_owned());
    let (database, language) = (chosen(state, "database"), chosen(state, "language"));
    let databases: Vec<Used> = serde_json::from_value(state.data.clone()).unwrap_or_default();
    let Some(database) = databases.into_iter().find(|known| known.id == database) else {
        ["snippet", "rotate", "remove"].iter().for_each(|id| state.hide(id));
        return Ok(());
    };
    state.show("rotate");
    state.show("remove");
    let language = Language::from_id(&language).unwrap_or(Language::Edge);
    if let Some(Kind::CodeSnippet(snippet)) = state.kind("snippet") {
        snippet.code = language.snippet(&VariableNames::of(&database.name));
        snippet.language = highlighted_as(language).to_owned();
    }
    state.show("snippet");
    Ok(())
}

fn highlighted_as(language: Language) -> &'static str {
    match language {
        Language::Edge | Language::Node => "js",
        Language::Rust => "rust",
        Language::Python => "python",
    }
}

async fn with_chosen(state: &mut SurfaceState, handler: &str) -> CallbackResult {
    let chosen = state.inputs.get("database").map_or("", |input| input.text()).to_owned();
    let _: Value = ask(state, HandlerCall::post(handler, &json!({ "databaseId": chosen }))).await?;
    state.navigate_to("/");
    Ok(())
}

async fn load_choices(state: &mut SurfaceState) -> CallbackResult {
    let available: Vec<Available> = match ask(state, HandlerCall::get("get-databases")).await {
        Ok(available) => available,
        Err(SurfaceError::Told(problem)) => {
            warn(state, &problem);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if available.is_empty() {
        warn(state, "There is no Redis database in this account at Upstash yet. Make one in its console.");
    }
    let (unfit, fit): (Vec<_>, Vec<_>) = available.into_iter().partition(|database| database.hindrance.is_some());
    let label = |database: &Available| match database.region.as_str() {
        "" => database.name.clone(),
        region => format!("{} ({region})", database.name),
    };
    if let Some(Kind::Select(select)) = state.kind("integrate_database") {
        select.options = fit.iter().map(|database| SelectOption::new(&database.id, label(database))).collect();
    }
    if unfit.is_empty() {
        return Ok(());
    }
    let why = |database: &Available| format!("{}: {}", database.name, database.hindrance.clone().unwrap_or_default());
    let items = unfit.iter().fold(unordered_list(), |list, database| list.item_with_icon(why(database), "warning"));
    let built: outrigger_integrations::surface::Element = items.into();
    if let (Some(Kind::UnorderedList(list)), Kind::UnorderedList(built)) = (state.kind("unfit"), built.kind) {
        list.items = built.items;
    }
    state.show("unfit");
    Ok(())
}

async fn integrate_it(state: &mut SurfaceState) -> CallbackResult {
    let body = json!({ "databaseId": state.form_input("integrate", "database") });
    let _: Value = ask(state, HandlerCall::post("integrate", &body)).await?;
    state.navigate_to("/");
    Ok(())
}

#[cfg(test)]
mod tests {
    use outrigger_integrations::surface::SurfaceProgram as _;
    use url::Url;

    use super::*;

    const README: &str = include_str!("../README.md");

    /// The addresses of all links and pictures in the README.
    fn addresses() -> Vec<Url> {
        let ends = README.split("](").skip(1);
        ends.map(|rest| rest.split(')').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn the_button_deploys_a_repository_at_netlify_and_sends_nothing_else() {
        let addresses = addresses();
        let button = addresses.iter().find(|url| url.path() == "/start/deploy").unwrap();
        assert_eq!(button.origin().ascii_serialization(), "https://app.netlify.com");
        let asked: Vec<_> = button.query_pairs().into_owned().collect();
        let repository = "https://github.com/netlify/upstash-integration".to_owned();
        assert_eq!((asked, button.fragment()), (vec![("repository".to_owned(), repository)], None));
        let picture = format!("[![Deploy to Netlify](https://www.netlify.com/img/deploy/button.svg)]({button})");
        assert!(README.contains(&picture), "{picture}");
    }

    #[test]
    fn the_readme_and_the_page_lead_to_the_same_documents() {
        let page = serde_json::to_string(surface().definition()).unwrap();
        for address in [DOCS, CONSOLE] {
            assert!(addresses().iter().any(|url| url.as_str() == address) && page.contains(address), "{address}");
        }
        assert!(addresses().iter().all(|url| url.scheme() == "https"));
    }
}
