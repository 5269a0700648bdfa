//! The pages in a real browser. `cargo xtask test` names the programs in OUTRIGGER_CHROMEDRIVER and OUTRIGGER_CHROMIUM.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::Stdio;

use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use outrigger_platform::ops::sites::create_site;

use super::Dashboard;

/// A browser with a profile of its own, and the program that drives it.
struct Chromium {
    driver: WebDriver,
    _process: Child,
    _profile: TempDir,
}

fn programs() -> Option<(OsString, String)> {
    let driver = std::env::var_os("OUTRIGGER_CHROMEDRIVER");
    let browser = std::env::var("OUTRIGGER_CHROMIUM").ok();
    let both = driver.zip(browser);
    if both.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI must not skip the browser: set OUTRIGGER_CHROMEDRIVER, OUTRIGGER_CHROMIUM"
        );
        // Straight to the terminal: the test runner shows the output of failed tests only.
        let _ = std::io::stderr().lock().write_all(b"skipped: the browser (cargo xtask test runs it)\n");
    }
    both
}

impl Chromium {
    async fn start(driver: OsString, browser: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let port = port(&mut process).await;
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(browser).unwrap();
        let data = format!("--user-data-dir={}", profile.path().display());
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1200,900",
            &data,
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await.unwrap();
        Self { driver, _process: process, _profile: profile }
    }

    /// Where the keyboard is.
    async fn focused(&self) -> String {
        let element = self.driver.active_element().await.unwrap();
        element.text().await.unwrap()
    }

    async fn press(&self, key: Key) {
        self.driver.action_chain().send_keys(key + "").perform().await.unwrap();
    }

    /// Presses Tab until this is focused.
    async fn tab_to(&self, text: &str) {
        for _ in 0..30 {
            if self.focused().await == text {
                return;
            }
            self.press(Key::Tab).await;
        }
        panic!("`{text}` cannot be reached with the Tab key");
    }

    async fn heading(&self) -> String {
        self.driver.find(By::Tag("h1")).await.unwrap().text().await.unwrap()
    }
}

/// The driver says which free port it took.
async fn port(process: &mut Child) -> u16 {
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(port) = line.strip_prefix("ChromeDriver was started successfully on port ") {
            // Nobody may close the pipe that it writes to.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port.trim_end_matches('.').parse().unwrap();
        }
    }
    panic!("chromedriver ended without a port");
}

#[tokio::test]
async fn a_person_signs_in_finds_a_site_with_the_keyboard_and_signs_out() {
    let Some((driver, browser)) = programs() else { return };
    let test = Dashboard::start().await;
    let link = test.link(&test.ada).await;
    let chromium = Chromium::start(driver, &browser).await;
    let page = &chromium.driver;
    page.goto(format!("{}{link}", test.origin)).await.unwrap();
    assert_eq!(chromium.heading().await, "Sign in");
    chromium.tab_to("Sign in").await;
    chromium.press(Key::Enter).await;
    assert_eq!(chromium.heading().await, "Accounts");
    chromium.press(Key::Tab).await;
    assert_eq!(chromium.focused().await, "Skip to the content");
    chromium.press(Key::Enter).await;
    chromium.tab_to("Acme").await;
    chromium.press(Key::Enter).await;
    assert_eq!(chromium.heading().await, "Sites");
    chromium.tab_to("demo").await;
    chromium.press(Key::Enter).await;
    assert_eq!(
        (chromium.heading().await.as_str(), page.title().await.unwrap().as_str()),
        ("Add-ons", "Add-ons · demo · Outrigger")
    );
    for (tab, empty) in [("Variables", "No variables of its own"), ("Snippets", "No snippets")] {
        chromium.tab_to(tab).await;
        chromium.press(Key::Enter).await;
        assert_eq!(page.find(By::Css(".empty h2")).await.unwrap().text().await.unwrap(), empty);
        assert_eq!(page.find(By::Css("[aria-current]")).await.unwrap().text().await.unwrap(), tab);
    }
    nothing_was_refused(page).await;
    chromium.tab_to("Sign out").await;
    chromium.press(Key::Enter).await;
    assert_eq!(chromium.heading().await, "Sign in");
    page.goto(format!("{}/sites/demo", test.origin)).await.unwrap();
    assert_eq!(chromium.heading().await, "Sign in", "signed out");
    chromium.driver.clone().quit().await.unwrap();
}

/// The stylesheet was loaded under our own policy.
async fn nothing_was_refused(page: &WebDriver) {
    let brand = page.find(By::Css(".brand")).await.unwrap();
    assert_eq!(brand.css_value("text-decoration-line").await.unwrap(), "none");
}

/// Writes what is shown into the folder of OUTRIGGER_PICTURES, for the documentation.
async fn picture(page: &WebDriver, name: &str) {
    if let Some(folder) = std::env::var_os("OUTRIGGER_PICTURES") {
        page.screenshot(&std::path::Path::new(&folder).join(format!("{name}.png"))).await.unwrap();
    }
}

#[tokio::test]
async fn a_person_connects_a_webhook_and_sees_what_was_sent() {
    let Some((driver, browser)) = programs() else { return };
    let test = Dashboard::with_config(|config| config.workers = 16).await;
    crate::integrations::register(&test.app);
    let mut receiver = crate::integrations::Receiver::start().await;
    let link = test.link(&test.ada).await;
    let chromium = Chromium::start(driver, &browser).await;
    let page = &chromium.driver;
    let click = async |css: &str| {
        let element = page.query(By::Css(css)).first().await.unwrap();
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    };
    let fill = async |css: &str, text: &str| {
        page.query(By::Css(css)).first().await.unwrap().send_keys(text).await.unwrap();
    };
    page.goto(format!("{}{link}", test.origin)).await.unwrap();
    chromium.tab_to("Sign in").await;
    chromium.press(Key::Enter).await;
    page.goto(format!("{}/accounts/acme", test.origin)).await.unwrap();
    chromium.tab_to("Integrations").await;
    chromium.press(Key::Enter).await;
    assert_eq!(page.title().await.unwrap(), "Integrations · Acme · Outrigger");
    assert_eq!(page.find(By::Css(".og-empty h2")).await.unwrap().text().await.unwrap(), "No integrations yet");
    assert_eq!(page.find(By::Css("[aria-current]")).await.unwrap().text().await.unwrap(), "Integrations");
    picture(page, "dashboard-no-integrations").await;
    page.goto(format!("{}/accounts/acme/integrations/new/outrigger.webhook", test.origin)).await.unwrap();
    fill("input[name=name]", " of the deploy room").await;
    fill("[name='s.url']", &receiver.url).await;
    fill("[name='s.secret']", crate::integrations::SECRET).await;
    picture(page, "dashboard-webhook").await;
    click("button.og-button-main[value=save]").await;
    page.query(By::Css(".og-notice")).first().await.unwrap();

    create_site(&test.app, &test.account, "shop").await.unwrap();
    assert_eq!(receiver.next().await["type"], "site.created");
    page.goto(format!("{}/accounts/acme/integrations", test.origin)).await.unwrap();
    click(".og-table tbody a").await;
    click("a[href$='/deliveries']").await;
    let row = page.query(By::Css(".og-table tbody tr")).first().await.unwrap().text().await.unwrap();
    assert!(row.contains("site.created"), "{row}");
    nothing_was_refused(page).await;
    picture(page, "dashboard-deliveries").await;
    chromium.driver.clone().quit().await.unwrap();
}

#[tokio::test]
async fn a_person_adds_a_database_of_upstash_and_copies_the_code_for_it() {
    let Some((driver, browser)) = programs() else { return };
    let bed = crate::upstash::Bed::start().await;
    let id = bed.database("orders").await;
    let link = bed.test.link(&bed.test.ada).await;
    let chromium = Chromium::start(driver, &browser).await;
    let page = &chromium.driver;
    let find = async |css: &str| page.query(By::Css(css)).first().await.unwrap();
    let click = async |css: &str| {
        let element = find(css).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    };
    let fill = async |css: &str, text: &str| {
        let element = find(css).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    };
    page.goto(format!("{}{link}", bed.test.origin)).await.unwrap();
    chromium.tab_to("Sign in").await;
    chromium.press(Key::Enter).await;
    page.goto(format!("{}/sites/demo/surfaces", bed.test.origin)).await.unwrap();
    chromium.tab_to("Upstash").await;
    chromium.press(Key::Enter).await;
    click("#og-enable").await;
    fill("#e-connect-email", "ada@example.com").await;
    fill("#e-connect-api-key", "wrong").await;
    click("#e-connect-save").await;
    let said = find("#e-connect .og-notice-bad").await.text().await.unwrap();
    assert_eq!(said, "Upstash does not accept this e-mail address with this API key.");
    picture(page, "upstash-wrong-key").await;
    fill("#e-connect-api-key", &bed.account.api_key).await;
    click("#e-connect-save").await;
    click("#e-add").await;
    click(&format!("#e-integrate-database option[value='{id}']")).await;
    picture(page, "upstash-add").await;
    click("#e-integrate-save").await;
    click(&format!("#e-database option[value='{id}']")).await;
    let code = find("#e-snippet").await.text().await.unwrap();
    assert!(code.contains("ORDERS_REDIS_REST_FULL_URL"), "{code}");
    click("[data-copy=e-snippet]").await;
    page.query(By::XPath("//button[@data-copy and text()='Copied']")).first().await.unwrap();
    page.execute("document.querySelector('.place').scrollIntoView()", Vec::new()).await.unwrap();
    picture(page, "upstash-snippet").await;
    assert_eq!(bed.names().await.len(), 3);
    nothing_was_refused(page).await;
    click("#og-disable").await;
    click("#og-disable-yes").await;
    find("#og-enable").await;
    assert!(bed.names().await.is_empty());
    chromium.driver.clone().quit().await.unwrap();
}
