//! What the pictures show.

use outrigger_integrations::{ConfigId, Manager, RunState};
use serde_json::{Value, json};

use crate::app::{App, WEBHOOK};
use crate::integrations::{Board, Broken, ChatIntegration, Gone, Mail, Pager, Shop};

/// Fills the list, and returns the configuration whose form is shown.
pub async fn fill(app: &App) -> ConfigId {
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
    let failed = |manager: &Manager<Shop>| {
        manager.integrations().iter().any(|info| matches!(info.state, RunState::Failed { .. }))
    };
    app.manager.wait_until(failed).await;
    id
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
