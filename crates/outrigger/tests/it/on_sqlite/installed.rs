//! An integration that was built with Netlify's SDK, from `integrations install` to its page in a demo.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::upstash::Tab;
use crate::demo::{Demo, check, command};

/// What the SDK's build makes of an integration with one handler and one page.
fn build(project: &Path, packages: &std::ffi::OsStr) {
    let write = |file: &str, text: &str| {
        let path = project.join(".ntli/site").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let integration = r#"
        import { NetlifyIntegration } from "@netlify/sdk";
        const integration = new NetlifyIntegration();
        integration.addApiHandler("greet", async () => ({ statusCode: 200, body: process.env.GREETING ?? "nothing" }));
        export { integration };
    "#;
    let function = "import { integration } from '../integration';\nintegration._slug = 'greeter';\n\
                    export const handler = integration.baseHandler;";
    let script = r#"
        netlifyContext.on("WFUI_LOAD_/", async (uiState) => {
            const answer = await uiState.fetch("greet");
            uiState.picker.getElementById("said").value = `It says ${await answer.text()}.`;
        });
    "#;
    let page = json!([{ "type": "text", "id": "said", "value": "" }]);
    let surface = json!({ "surfaceName": "integrations-settings", "surfaceScripts": [], "routes": { "/": page } });
    let described = json!({
        "sdkVersion": "1.21.0", "friendlyName": "Greeter", "integrationSlug": "greeter", "surfaces": [surface],
    });
    write("netlify/integration/index.js", integration);
    write("netlify/functions/handler.js", function);
    write("static/ui/integration-ui.js", script);
    write("static/ui/integration-ui.json", &described.to_string());
    fs::write(project.join("package.json"), r#"{ "type": "module" }"#).unwrap();
    std::os::unix::fs::symlink(packages, project.join("node_modules")).unwrap();
}

pub(super) fn integrations(home: &TempDir, dir: &Path, arguments: &[&str], code: i32) -> Value {
    let mut run = command(home.path());
    run.args(["--json", "integrations"]).args(arguments).arg("--integrations-dir").arg(dir);
    let output = run.output().unwrap();
    check(&output, code);
    let text = if code == 0 { output.stdout } else { output.stderr };
    serde_json::from_slice(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&text)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_installed_is_offered_from_the_next_start_on() {
    let Some(packages) = std::env::var_os("OUTRIGGER_NODE_MODULES") else {
        assert!(std::env::var_os("CI").is_none(), "OUTRIGGER_NODE_MODULES is not set: run `cargo xtask test`");
        let why = "skipped: npm's @netlify/sdk is not here (cargo xtask test runs it)\n";
        return std::io::stderr().write_all(why.as_bytes()).unwrap();
    };
    let (home, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = home.path().join("data");
    let dir = data.join("integrations");
    build(project.path(), &packages);
    let path = project.path().to_str().unwrap();
    let installed = integrations(&home, &dir, &["install", path], 0);
    assert_eq!((&installed["slug"], &installed["replaced"]), (&json!("greeter"), &json!(false)));
    assert!(installed["handlers"].as_array().unwrap().contains(&json!("greet")), "{installed}");
    assert_eq!(integrations(&home, &dir, &["install", path], 0)["replaced"], true);
    let listed = integrations(&home, &dir, &["list"], 0);
    assert_eq!((&listed[0]["slug"], &listed[0]["fault"]), (&json!("greeter"), &Value::Null));

    let demo = Demo::start_on(home, &data);
    let tab = Tab::sign_in(&demo).await;
    let offered = tab.get(&format!("/sites/{}/surfaces", demo.get("site_name"))).await;
    assert!(offered.contains("Greeter"), "{offered}");
    let path = format!("/sites/{}/surfaces/greeter", demo.get("site_name"));
    let page = tab.get(&path).await;
    let page = tab.press(&path, &page, "enable", &[]).await;
    assert!(page.contains("It says nothing."), "{page}");

    let removed = integrations(&demo.home, &dir, &["remove", "greeter"], 0);
    assert_eq!(removed["slug"], "greeter");
    assert_eq!(integrations(&demo.home, &dir, &["list"], 0), json!([]));
    let missing = integrations(&demo.home, &dir, &["remove", "greeter"], 4);
    assert!(missing.to_string().contains("integrations list"), "{missing}");
}

#[test]
fn what_is_no_build_is_told_what_to_do() {
    let (home, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = home.path().join("integrations");
    let path = project.path().to_str().unwrap();
    let refused = integrations(&home, &dir, &["install", path], 2);
    assert!(refused.to_string().contains("netlify-integration build -a"), "{refused}");
    assert!(!dir.exists(), "nothing is noted");

    // One of which the packages are missing.
    build(project.path(), project.path().join("nowhere").as_os_str());
    let refused = integrations(&home, &dir, &["install", path], 2);
    assert!(refused.to_string().contains("npm install"), "{refused}");
    assert!(!dir.exists());
}
