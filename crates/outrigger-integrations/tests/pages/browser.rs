//! The pages in a real Chromium. `cargo xtask test` names the programs in OUTRIGGER_CHROMEDRIVER and OUTRIGGER_CHROMIUM.
//!
//! The tests need a second thread, on which the browser is ended when one of them panics.
//!
//! With OUTRIGGER_PICTURES naming a folder, one of the tests writes the pictures of the documentation there.

use serde_json::json;
use thirtyfour::prelude::*;

use crate::app::App;
use crate::chromium::Chromium;
use crate::integrations::{ChatIntegration, Style};

const NAME: &str = "#f-name";
const WEBHOOK: &str = "#f-s-webhook";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_adds_corrects_tests_and_saves() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    browser.goto(app.at("")).await;
    browser.click("#og-add").await;
    // The tiles come in a dialog, and the search in it has the focus.
    browser.wait_for("dialog[open] .og-tiles").await;
    browser.wait_for("#og-find:focus").await;
    browser.press("chat").await;
    browser.gone(".og-tiles a[href$='acme.board']").await;
    browser.click(".og-tiles li:not([hidden]) a").await;
    browser.heading("Add Team Chat").await;

    browser.fill(NAME, "").await;
    browser.fill(WEBHOOK, "nonsense").await;
    browser.click("#og-save").await;
    browser.wait_for("#og-faults:focus").await;
    browser.wait_for("#f-s-webhook[aria-invalid=true]").await;
    // What was typed as a secret is still there, though the server does not send it back.
    assert_eq!(browser.value(WEBHOOK).await, "nonsense");
    browser.click("#og-faults a[href='#f-name']").await;
    browser.wait_for("#f-name:focus").await;

    browser.fill(NAME, "Order desk").await;
    browser.fill(WEBHOOK, "https://chat.example.com/wrong").await;
    browser.click("#og-test").await;
    browser.wait_for(".og-report.og-failed").await;
    browser.fill(WEBHOOK, "https://chat.example.com/good").await;
    browser.click("#og-test").await;
    browser.wait_for(".og-report.og-on").await;
    browser.click("#og-save").await;
    browser.wait_for(".og-notice-good").await;
    browser.heading("Order desk").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_choices_change_without_a_new_page() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    browser.goto(app.at("/new/acme.chat")).await;
    browser.gone("#f-s-signature").await;
    browser.choose("#f-s-style", "long").await;
    browser.wait_for("#f-s-signature").await;
    browser.fill("#f-s-mention-0", "@ann").await;
    browser.click("#f-s-mention-add").await;
    browser.wait_for("#f-s-mention-1:focus").await;
    browser.click("#f-s-mention-r1").await;
    browser.wait_for("#f-s-mention-add:focus").await;
    browser.click("#f-s-mention-add").await;
    browser.fill("#f-s-mention-1", "@bob").await;
    browser.click("#f-s-mention-r0").await;
    browser.gone("#f-s-mention-1").await;
    assert_eq!(browser.value("#f-s-mention-0").await, "@bob");
    browser.click("#f-s-workspace-refresh").await;
    browser.wait_for("#f-s-workspace option[value=ops]").await;
    // Choosing one loads the choices of the other.
    browser.choose("#f-s-workspace", "ops").await;
    browser.wait_for("#f-s-channel option[value=ops-orders]").await;
    browser.choose("#f-s-rules-mode", "all").await;
    browser.wait_for("#f-s-rules-0-fact").await;
    browser.choose("#f-s-rules-0-fact", "gift").await;
    browser.wait_for("select#f-s-rules-0-value").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_editors_meet() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    let id = app.add_chat("Orders").await;
    browser.goto(app.at(&format!("/{id}"))).await;
    browser.fill("#f-s-post_5f_as", "My bot").await;
    app.change(id, |values| values.insert("post_as".into(), json!("Ann's bot"))).await;
    browser.click("#og-save").await;
    browser.wait_for("#og-conflict:focus").await;
    assert_eq!(browser.value("#f-s-post_5f_as").await, "My bot");
    assert!(browser.text(".og-theirs").await.contains("Ann's bot"));
    browser.click("#f-s-post_5f_as-take").await;
    browser.gone(".og-theirs").await;
    assert_eq!(browser.value("#f-s-post_5f_as").await, "Ann's bot");
    browser.fill("#f-s-post_5f_as", "Ours").await;
    browser.click("#og-save").await;
    browser.wait_for(".og-notice-good").await;
    assert_eq!(app.stored(id).await["post_as"], "Ours");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_deletes_and_has_second_thoughts_with_the_keyboard_alone() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    app.add_chat("Orders").await;
    browser.goto(app.at("")).await;
    browser.tab_to("a[id^=d-]").await;
    browser.press(Key::Enter).await;
    browser.wait_for("dialog[open] h1:focus").await;
    assert_eq!(browser.text("dialog h1").await, "Delete “Orders”?");
    // Escape closes it, and the focus is where it was.
    browser.press(Key::Escape).await;
    browser.gone("dialog").await;
    browser.wait_for("a[id^=d-]:focus").await;
    browser.press(Key::Enter).await;
    browser.wait_for("dialog[open] h1:focus").await;
    browser.tab_to("#og-confirm").await;
    browser.press(Key::Enter).await;
    browser.wait_for(".og-notice form button").await;
    browser.wait_for(".og-empty").await;
    browser.tab_to(".og-notice form button").await;
    browser.press(Key::Enter).await;
    browser.wait_for(".og-table").await;
    assert!(browser.text(".og-notice").await.contains("“Orders” is back."));
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_adds_corrects_and_edits_with_the_keyboard_alone() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    browser.goto(app.at("")).await;
    browser.tab_to("#og-add").await;
    browser.press(Key::Enter).await;
    browser.wait_for("#og-find:focus").await;
    browser.press("chat").await;
    browser.gone(".og-tiles a[href$='acme.board']").await;
    browser.tab_to(".og-tiles li:not([hidden]) a").await;
    browser.press(Key::Enter).await;
    browser.heading("Add Team Chat").await;
    // Tab selects what is in an input, so that typing replaces it.
    for (input, text) in [(NAME, "Nights"), (WEBHOOK, "nonsense")] {
        browser.tab_to(input).await;
        browser.press(text).await;
    }
    browser.press(Key::Enter).await;
    browser.wait_for("#og-faults:focus").await;
    browser.tab_to("#og-faults a[href='#f-s-webhook']").await;
    browser.press(Key::Enter).await;
    browser.wait_for("#f-s-webhook:focus").await;
    browser.press(Key::End).await;
    for _ in "nonsense".chars() {
        browser.press(Key::Backspace).await;
    }
    browser.press("https://chat.example.com/good").await;
    browser.press(Key::Enter).await;
    browser.heading("Nights").await;

    browser.tab_to(NAME).await;
    browser.press("Days").await;
    browser.tab_to("#f-s-style").await;
    browser.press("L").await;
    browser.wait_for("#f-s-signature").await;
    browser.tab_to("#f-s-mention-0").await;
    browser.press("@ann").await;
    browser.tab_to("#f-s-mention-add").await;
    browser.press(Key::Enter).await;
    browser.wait_for("#f-s-mention-1:focus").await;
    browser.press("@bob").await;
    browser.tab_to("#og-save").await;
    browser.press(Key::Enter).await;
    browser.heading("Days").await;
    let saved: Vec<_> = app.manager.configs::<ChatIntegration>(&app.scope).collect();
    let [saved] = saved.as_slice() else { panic!("{} are there", saved.len()) };
    assert_eq!((saved.name.as_str(), saved.settings.style), ("Days", Style::Long));
    assert_eq!(saved.settings.mention, ["@ann", "@bob"]);
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_searched_while_one_types() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    app.add_chat("Orders").await;
    app.add_chat("Returns").await;
    browser.goto(app.at("")).await;
    browser.fill("#og-q", "retu").await;
    browser.gone("tbody tr:nth-child(2)").await;
    assert!(browser.text("tbody").await.contains("Returns"));
    browser.wait_for("#og-q:focus").await;
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_without_a_script() {
    let Some(browser) = Chromium::start().await else { return };
    browser.without_script().await;
    let app = App::start().await;
    browser.goto(app.at("")).await;
    browser.click(".og-empty a").await;
    browser.heading("Add integration").await;
    browser.click(".og-tiles a[href$='acme.chat']").await;
    browser.heading("Add Team Chat").await;
    browser.fill(NAME, "").await;
    browser.fill("#f-s-mention-0", "@ann").await;
    browser.click("#f-s-mention-add").await;
    browser.wait_for("#f-s-mention-1").await;
    assert_eq!(browser.value("#f-s-mention-0").await, "@ann");
    browser.click("#og-save").await;
    browser.wait_for("#og-faults").await;
    browser.fill(NAME, "Order desk").await;
    browser.fill(WEBHOOK, "https://chat.example.com/good").await;
    browser.press(Key::Enter).await;
    browser.heading("Order desk").await;
    browser.click("#og-switch button, button#og-switch").await;
    browser.wait_for(".og-state-off").await;
    browser.click("#og-delete").await;
    browser.heading("Delete “Order desk”?").await;
    browser.click("#og-confirm").await;
    browser.click(".og-notice form button").await;
    browser.wait_for(".og-table").await;
    browser.end().await;
}

/// Every page on the narrowest and on a wide screen: nothing stands out at the side, each input has a name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_fit_the_screen_and_inputs_have_names() {
    let Some(browser) = Chromium::start().await else { return };
    let app = App::start().await;
    let id = app.add_chat(&"a-long-name-without-a-place-to-break-".repeat(4)).await;
    for path in ["", "/new", "/new/acme.chat", &format!("/{id}"), &format!("/{id}/history"), &format!("/{id}/delete")] {
        for width in [320, 1600] {
            browser.screen(width, 900, 1.0).await;
            browser.goto(app.at(path)).await;
            browser.drawn().await;
            let over = browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            assert_eq!(over, json!(0), "{path} at {width}");
        }
        let nameless = browser
            .ask(
                "[...document.querySelectorAll('.og input:not([type=hidden]), .og select, .og textarea, .og button')]\
                 .filter((control) => !(control.labels && control.labels.length) && !control.ariaLabel \
                 && !control.textContent.trim()).map((control) => control.outerHTML).join()",
            )
            .await;
        assert_eq!(nameless, json!(""), "{path}");
    }
    browser.end().await;
}

/// The pictures of the documentation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures() {
    let Some(folder) = std::env::var_os("OUTRIGGER_PICTURES") else { return };
    let Some(browser) = Chromium::start().await else { return };
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let app = App::tidy().await;
    browser.screen(1200, 760, 1.0).await;
    browser.goto(app.at("")).await;
    browser.picture(&folder.join("empty.png")).await;
    let id = crate::pictures::fill(&app).await;
    browser.goto(app.at("")).await;
    browser.picture(&folder.join("list.png")).await;
    browser.dark(true).await;
    browser.picture(&folder.join("list-dark.png")).await;
    browser.dark(false).await;
    browser.click("#og-add").await;
    browser.wait_for("dialog[open] .og-tiles").await;
    browser.picture(&folder.join("add.png")).await;
    browser.goto(app.at("")).await;
    browser.click("a[id^=d-]").await;
    browser.wait_for("dialog[open] h1").await;
    browser.picture(&folder.join("delete.png")).await;
    browser.screen(1200, 1900, 1.0).await;
    browser.goto(app.at(&format!("/{id}"))).await;
    browser.picture(&folder.join("form.png")).await;
    browser.screen(1200, 1000, 1.0).await;
    browser.fill("#f-name", "").await;
    browser.fill(WEBHOOK, "nonsense").await;
    browser.click("#og-save").await;
    browser.wait_for("#og-faults:focus").await;
    browser.picture(&folder.join("faults.png")).await;
    browser.goto(app.at(&format!("/{id}"))).await;
    browser.fill("#f-s-post_5f_as", "Till").await;
    app.change(id, |values| values.insert("post_as".into(), json!("Front desk"))).await;
    browser.click("#og-save").await;
    browser.wait_for("#og-conflict:focus").await;
    browser.picture(&folder.join("conflict.png")).await;
    browser.goto(app.at(&format!("/{id}"))).await;
    browser.click("#og-test").await;
    browser.wait_for(".og-report").await;
    browser.run("document.querySelector('.og-report').scrollIntoView({ block: 'center' })").await;
    browser.picture(&folder.join("test.png")).await;
    browser.goto(app.at(&format!("/{id}/history"))).await;
    browser.picture(&folder.join("history.png")).await;
    browser.goto(app.at(&format!("/{id}/deliveries"))).await;
    browser.picture(&folder.join("deliveries.png")).await;
    browser.click("tbody tr:first-child a").await;
    browser.wait_for("#og-replay").await;
    browser.picture(&folder.join("delivery.png")).await;
    browser.screen(390, 844, 2.0).await;
    browser.goto(app.at("")).await;
    browser.picture(&folder.join("list-phone.png")).await;
    browser.goto(app.at(&format!("/{id}"))).await;
    browser.picture(&folder.join("form-phone.png")).await;
    browser.end().await;
}
