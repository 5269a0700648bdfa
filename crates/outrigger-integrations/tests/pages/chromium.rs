//! A Chromium of one's own, and the program that drives it.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long something may take to appear. Pages answer in milliseconds; a busy machine does not.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Chromium {
    driver: WebDriver,
    /// Where the driver takes commands that WebDriver has no word for.
    commands: String,
    _process: Child,
    _profile: TempDir,
}

/// The programs, if they are there: without them a test is skipped, but never where everything has to be tested.
fn programs() -> Option<(String, String)> {
    let both = std::env::var("OUTRIGGER_CHROMEDRIVER").ok().zip(std::env::var("OUTRIGGER_CHROMIUM").ok());
    if both.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "OUTRIGGER_CHROMEDRIVER and OUTRIGGER_CHROMIUM have to name programs"
        );
        // Straight to the terminal: the test runner shows the output of failed tests only.
        let _ = std::io::stderr().lock().write_all(b"skipped: a test in the browser (cargo xtask test runs it)\n");
    }
    both
}

impl Chromium {
    pub(crate) async fn start() -> Option<Self> {
        let (driver, browser) = programs()?;
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
        wanted.set_binary(&browser).unwrap();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--force-prefers-reduced-motion",
            "--window-size=1200,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let server = format!("http://127.0.0.1:{port}");
        let driver = WebDriver::new(&server, wanted).await.unwrap();
        let commands = format!("{server}/session/{}/goog/cdp/execute", driver.session_id());
        let browser = Self { driver, commands, _process: process, _profile: profile };
        // Several browsers at once cannot all have the focus of the machine; each page is to behave as if it had.
        browser.command("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await;
        Some(browser)
    }

    pub(crate) async fn end(self) {
        self.driver.quit().await.unwrap();
    }

    async fn command(&self, name: &str, params: Value) {
        let client = reqwest::Client::builder().build().unwrap();
        let body = json!({ "cmd": name, "params": params });
        let answer = client.post(&self.commands).body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{name}: {}", answer.text().await.unwrap());
    }

    pub(crate) async fn without_script(&self) {
        self.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    }

    pub(crate) async fn dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.command("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    pub(crate) async fn screen(&self, width: u32, height: u32, scale: f64) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", params).await;
    }

    pub(crate) async fn goto(&self, url: String) {
        self.driver.goto(url).await.unwrap();
    }

    /// Nothing is left to be loaded or drawn, also for a screen whose size has just been changed.
    pub(crate) async fn drawn(&self) {
        self.run("await document.fonts.ready; await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))").await;
    }

    pub(crate) async fn picture(&self, file: &Path) {
        self.drawn().await;
        std::fs::write(file, self.driver.screenshot_as_png().await.unwrap()).unwrap();
    }

    /// The value of an expression in the page.
    pub(crate) async fn ask(&self, expression: &str) -> Value {
        self.driver.execute(format!("return {expression}"), Vec::new()).await.unwrap().json().clone()
    }

    pub(crate) async fn run(&self, script: &str) {
        let script = format!("const done = arguments[0]; (async () => {{ {script} }})().then(() => done())");
        self.driver.execute_async(script, Vec::new()).await.unwrap();
    }

    /// The first element that matches and can be seen, as soon as there is one.
    async fn find(&self, css: &str) -> WebElement {
        let query = self.driver.query(By::Css(css)).wait(PATIENCE, Duration::from_millis(25)).and_displayed();
        match query.first().await {
            Ok(element) => element,
            Err(error) => {
                panic!("`{css}` does not appear: {error}\n{}", self.driver.source().await.unwrap_or_default())
            }
        }
    }

    pub(crate) async fn wait_for(&self, css: &str) {
        self.find(css).await;
    }

    /// Waits in the page itself, where an element that is replaced meanwhile is no fault.
    pub(crate) async fn gone(&self, css: &str) {
        let there = format!("[...document.querySelectorAll({css:?})].some((element) => element.checkVisibility())");
        let end = PATIENCE.as_millis();
        self.run(&format!(
            "const end = performance.now() + {end}; \
             while ({there} && performance.now() < end) await new Promise((drawn) => requestAnimationFrame(drawn));"
        ))
        .await;
        assert_eq!(self.ask(&there).await, json!(false), "`{css}` stays");
    }

    /// Asks the page again and again, because its heading may be replaced between being found and being read.
    pub(crate) async fn heading(&self, text: &str) {
        let there = format!("[...document.querySelectorAll('h1')].some((h1) => h1.textContent.trim() === {text:?})");
        let shown = async {
            while self.ask(&there).await != json!(true) {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, shown).await.is_err() {
            panic!("`{text}` is no heading of {}", self.driver.source().await.unwrap());
        }
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub(crate) async fn value(&self, css: &str) -> String {
        self.find(css).await.value().await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        element.scroll_into_view().await.unwrap();
        element.click().await.unwrap();
    }

    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let element = self.find(css).await;
        element.scroll_into_view().await.unwrap();
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }

    pub(crate) async fn choose(&self, css: &str, value: &str) {
        self.find(css).await;
        self.click(&format!("{css} option[value={value}]")).await;
    }

    /// Presses keys where the focus is.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Presses Tab until this has the focus.
    pub(crate) async fn tab_to(&self, css: &str) {
        self.find(css).await;
        for _ in 0..60 {
            self.press(Key::Tab).await;
            if !self.driver.find_all(By::Css(format!("{css}:focus"))).await.unwrap().is_empty() {
                return;
            }
        }
        panic!("`{css}` cannot be reached with the Tab key");
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
