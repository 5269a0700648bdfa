//! Rules that refer to rows of the host.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outrigger_db::testing::TestDb;
use outrigger_db::{KeyRing, Keys, SystemClock, SystemEntropy};
use outrigger_integrations::rule::{Condition, Operator, Ref, RuleSet, Rules};
use outrigger_integrations::*;

struct Forge;

impl Host for Forge {
    type Facts = PushFacts;
    type Extra = ();
}

#[derive(Facts)]
struct PushFacts {
    #[fact(reference = "repository")]
    repository: Ref,
}

#[derive(Clone, Settings)]
struct RoomSettings {
    #[field(label = "Pushes")]
    rules: Rules<PushFacts>,
}

struct Room;

impl Integration<Forge> for Room {
    const ID: IntegrationId = IntegrationId::new("room");
    type Settings = RoomSettings;
    type Message = ();

    fn about(&self) -> About {
        About::new("Room", "Tells of pushes.")
    }
}

#[tokio::test]
async fn rules_that_refer_to_a_row_that_is_gone_are_broken_and_say_so() {
    let mut migrations = outrigger_db::migrations();
    migrations.extend(outrigger_integrations::migrations());
    let test = TestDb::new(migrations).await;
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let keys = Arc::new(Keys::fixed(KeyRing::generate(&SystemEntropy)));
    let outbound = Outbound::new(true, Duration::from_secs(5)).unwrap();
    let repositories = Arc::new(Mutex::new(BTreeSet::from(["7".to_owned(), "8".to_owned()])));
    let there = repositories.clone();
    let manager = Manager::<Forge>::builder()
        .store(ConfigStore::new(test.db().clone(), keys, clock.clone(), entropy.clone()))
        .context(Context { outbound, clock, entropy })
        .rows(move |what, id| what == "repository" && there.lock().unwrap().contains(id))
        .build();
    manager.register(Room).unwrap().keep();
    let rules = RuleSet::all([Condition::new("repository", Operator::OneOf, vec!["7", "8"])]);
    let draft = Draft::new::<Room>("Ours", &RoomSettings { rules: Rules::new(rules) }, ());
    let saved = manager.save(&Scope::System, draft, None, &Actor::system()).await.unwrap();
    manager.refresh().await.unwrap();
    let push = PushFacts { repository: Ref::new(7, "harbor") };
    let id = saved.config.id;
    assert!(manager.explain(&Scope::System, id, &push).unwrap().matches);
    assert_eq!(manager.problem(id), None);

    repositories.lock().unwrap().remove("8");
    let problem = manager.problem(id).unwrap().to_string();
    assert!(problem.contains("the repository `8` does not exist any more"), "{problem}");
    assert!(!manager.explain(&Scope::System, id, &push).unwrap().matches, "as the rules' author chose");
    let listed = manager.list(&Scope::System, &ListFilter::default()).await.unwrap();
    assert!(listed.items[0].problem.is_some(), "whoever looks at the list sees it");

    repositories.lock().unwrap().insert("8".to_owned());
    assert_eq!(manager.problem(id), None);
    assert!(manager.explain(&Scope::System, id, &push).unwrap().matches);
}
