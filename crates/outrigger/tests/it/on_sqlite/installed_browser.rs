//! An integration that Netlify's SDK has built, installed in a demo and used in a real Chromium.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::chromium::Chromium;
use super::installed::integrations;
use crate::demo::Demo;

#[path = "../../../../outrigger-netlify-sdk/tests/it/sample.rs"]
mod sample;

/// A demo in which the sample is installed, and a browser in which somebody is signed in; none where the machine lacks
/// what they need.
async fn signed_in() -> Option<(Demo, Chromium)> {
    let artefact = sample::artefact().await?;
    let browser = Chromium::start().await?;
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    integrations(&home, &data.join("integrations"), &["install", artefact.folder().to_str().unwrap()], 0);
    let demo = Demo::start_on(home, &data);
    browser.goto(demo.get("sign_in_url").to_owned()).await;
    browser.click("main form button").await;
    browser.heading("Accounts").await;
    Some((demo, browser))
}

/// Waits until the page says this. What the script has changed takes the place of what was there, so nothing that was
/// found before can be held on to.
async fn says(browser: &Chromium, text: &str) {
    let there = format!("document.querySelector('main').innerText.includes({text:?})");
    let said = async {
        while browser.ask(&there).await != json!(true) {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), said).await.is_err() {
        panic!("the page does not say `{text}`: {}", browser.text("main").await);
    }
}

async fn picture(browser: &Chromium, name: &str) {
    if let Some(folder) = std::env::var_os("OUTRIGGER_PICTURES") {
        browser.picture(&PathBuf::from(folder).join(format!("{name}.png"))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_sets_up_an_integration_that_the_sdk_has_built() {
    let Some((demo, browser)) = signed_in().await else { return };
    let surface = format!("{}/sites/{}/surfaces/cache", demo.origin, demo.get("site_name"));
    browser.screen(1100, 2320, 1.0).await;
    browser.goto(format!("{}/sites/{}/surfaces", demo.origin, demo.get("site_name"))).await;
    browser.click("a[href$='/surfaces/cache']").await;
    browser.click("#og-enable").await;
    // The script has asked its function, and the function the platform.
    says(&browser, demo.get("site_id")).await;

    browser.tab_to("#e-connect-name").await;
    browser.press("orders").await;
    browser.fill("#e-connect-key", "wrong").await;
    browser.choose("#e-connect-region", "eu").await;
    says(&browser, "In eu").await;
    browser.click("#e-connect-save").await;
    says(&browser, "The service does not know this key.").await;
    browser.wait_for("#e-connect .og-notice-bad:focus").await;
    browser.fill("#e-connect-key", "right").await;
    browser.click("#e-connect-save").await;
    browser.gone(".og-notice-info").await;
    let listed = demo.run(&["env", "list"]);
    assert!(listed.contains("CACHE_KEY") && listed.contains("CACHE_NAME"), "{listed}");
    // Choosing is enough: the script answers without a new page.
    browser.choose("#e-pick", "b").await;
    says(&browser, "const cache = open(\"b\");").await;
    picture(&browser, "netlify-sdk").await;

    browser.click("#e-wipe").await;
    browser.wait_for("[role=alertdialog]:focus").await;
    browser.click("#e-wipe-yes").await;
    browser.gone("#e-wipe").await;
    browser.goto(format!("{surface}/add")).await;
    browser.click("#e-by-hand").await;
    says(&browser, "Grüße").await;
    browser.click("#e-back").await;
    says(&browser, "Both callbacks of the page have run.").await;
    browser.click("#og-disable").await;
    browser.click("#og-disable-yes").await;
    browser.wait_for("#og-enable").await;
    assert!(!demo.run(&["env", "list"]).contains("CACHE_"), "what it has set is taken back");
    browser.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_script_of_the_integration_reaches_the_browser_and_a_bad_one_harms_nobody() {
    let Some((demo, browser)) = signed_in().await else { return };
    let surface = format!("{}/sites/{}/surfaces/cache", demo.origin, demo.get("site_name"));
    browser.goto(surface.clone()).await;
    browser.click("#og-enable").await;
    browser.wait_for("#e-connect").await;
    browser.goto(format!("{surface}/bad")).await;
    browser.click("#e-spin").await;
    says(&browser, "Something is wrong with this integration").await;
    assert!(browser.text("main").await.contains("Still here."), "nothing is half-done");
    browser.click("#e-hostile").await;
    // As text.
    says(&browser, "<script>alert(1)</script>").await;
    assert_eq!(browser.ask("document.querySelectorAll(\"a[href^='javascript:']\").length").await, json!(0));

    let foreign = "performance.getEntriesByType('resource').map(({ name }) => name)
        .concat([...document.scripts].map(({ src }) => src))
        .filter((url) => !url.startsWith(location.origin) || url.includes('integration-ui'))";
    assert_eq!(browser.ask(foreign).await, json!([]));
    assert_eq!(browser.ask("typeof netlifyContext").await, json!("undefined"));
    browser.end().await;
}
