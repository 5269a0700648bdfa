//! What an empty board is filled with, so that there is something to look at.

use outrigger_integrations::rule::{Condition, Operator, RuleSet};
use outrigger_integrations::{Actor, Draft, Rules, Scope, Secret};

use crate::app::App;
use crate::chat::{Chat, ChatSettings};
use crate::host::Owned;
use crate::people::Person;
use crate::reviews::NewReview;

/// Fills an empty board. `chat` is the address of the chat service.
pub async fn fill(app: &App, chat: &str) -> anyhow::Result<()> {
    if !app.people.all().await?.is_empty() {
        return Ok(());
    }
    let people = [("ada", "Ada", true), ("ben", "Ben", false), ("cleo", "Cleo", false)];
    let tx = app.manager.store().db().begin().await?;
    for (id, name, admin) in people {
        app.people.add(&tx, &Person { id: id.into(), name: name.into(), admin }).await?;
    }
    tx.commit().await?;
    app.manager.refresh().await?;
    save_chats(app, chat).await?;
    for (title, repository, branch, author) in [
        ("Read the wind before the sails", "tiller", "main", "ben"),
        ("A lighter anchor", "tiller", "anchor", "cleo"),
        ("Say where the harbour is", "charts", "main", "ben"),
    ] {
        let new = NewReview { title: title.into(), repository: repository.into(), branch: branch.into() };
        app.reviews.open(new, author).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    }
    Ok(())
}

async fn save_chats(app: &App, chat: &str) -> anyhow::Result<()> {
    let main_only = RuleSet::all([Condition::new("branch", Operator::Is, "main")]);
    let chats = [
        (Scope::System, "Reviews of main", "reviews", main_only, "ada"),
        (Scope::User("ben".into()), "Tell me about mine", "random", RuleSet::default(), "ben"),
    ];
    for (scope, name, room, rules, owner) in chats {
        save_chat(app, &scope, NewChat { name, room, rules, owner, address: chat }).await?;
    }
    Ok(())
}

struct NewChat<'a> {
    name: &'a str,
    address: &'a str,
    room: &'a str,
    rules: RuleSet,
    owner: &'a str,
}

// [guide: save]
/// Makes a configuration without the pages, as a set-up script would.
async fn save_chat(app: &App, scope: &Scope, new: NewChat<'_>) -> anyhow::Result<()> {
    let settings = ChatSettings {
        address: Secret::new(new.address.parse().map_err(|fault| anyhow::anyhow!("{fault}"))?),
        room: new.room.to_owned(),
        signature: "Board".to_owned(),
        rules: Rules::new(new.rules),
    };
    let owned = Owned { owner: Some(new.owner.to_owned()) };
    let draft = Draft { enabled: true, ..Draft::new::<Chat>(new.name, &settings, owned) };
    app.manager.save(scope, draft, None, &Actor::system()).await?;
    Ok(())
}
// [end]
