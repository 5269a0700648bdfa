//! What the pictures show.

use std::time::Duration;

use outrigger_integrations::{ConfigId, Manager, RunState};
use serde_json::{Value, json};

use crate::app::{App, WEBHOOK};
use crate::integrations::{Board, Broken, ChatIntegration, Gone, Mail, Pager, Shop};

/// Fills the list, and returns the configuration whose form is shown.
pub(crate) async fn fill(app: &App) -> ConfigId {
    let simple = |project: &str| json!({ "token": "t0ken", "project": project });
    let gone = app.manager.register(Gone).unwrap();
    app.add::<Gone>("Parcel tracking", true, simple("parcels")).await;
    gone.unregister().await;
    let id = app.add::<ChatIntegration>("Order desk", true, chat()).await;
    app.add::<ChatIntegration>("Weekend crew", false, chat()).await;
    app.add::<Pager>("Payments on call", true, simple("payments")).await;
    app.add::<Board>("Returns", true, simple("returns")).await;
    app.add::<Mail>("Morning numbers", true, simple("numbers")).await;
    app.add::<Broken>("Bookkeeping", true, json!({ "server": "ledger.example.com" })).await;
    app.change(id, |values| values.insert("post_as".into(), json!("Order desk"))).await;
    deliver(app, id).await;
    let failed = |manager: &Manager<Shop>| {
        manager.integrations().iter().any(|info| matches!(info.state, RunState::Failed { .. }))
    };
    app.manager.wait_until(failed).await;
    id
}

/// Two weeks of messages, one day of them not so good.
async fn deliver(app: &App, id: ConfigId) {
    for day in 0..14_u64 {
        let name = if day == 9 { "Nobody" } else { "Order desk" };
        app.change(id, |values| values.insert("post_as".into(), json!(name))).await;
        for _ in 0..(day * 7 % 11 + 3) {
            app.manager.send_sample(&app.scope, id).await.unwrap();
        }
        app.worker.run_due().await;
        app.clock.advance(Duration::from_hours(24));
    }
    app.change(id, |values| values.insert("post_as".into(), json!("Order desk"))).await;
}

fn chat() -> Value {
    json!({
        "webhook": WEBHOOK,
        "workspace": "sales",
        "channel": "sales-orders",
        "post_as": "Shop",
        "style": "long",
        "signature": "Your shop",
        "mention": ["@ann", "@bob"],
        "replace": { "EUR": "€" },
        "rules": {
            "mode": "all",
            "conditions": [
                { "fact": "total", "operator": "greater_than", "value": 100 },
                { "fact": "country", "operator": "one_of", "value": ["DE", "DK"] },
            ],
        },
    })
}
