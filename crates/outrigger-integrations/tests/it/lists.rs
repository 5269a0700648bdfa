//! Lists: search, filters, pages, counts, the same on both engines.

use outrigger_integrations::*;

use crate::host::*;

async fn listed(manager: &Manager<Shop>, filter: ListFilter) -> Vec<String> {
    let page = manager.list(&site("1"), &filter).await.unwrap();
    page.items.into_iter().map(|row| row.name).collect()
}

fn search(text: &str) -> ListFilter {
    ListFilter { search: text.into(), ..ListFilter::default() }
}

#[tokio::test]
async fn search_ignores_case_in_all_scripts_and_takes_its_text_literally() {
    let bed = Bed::stocked().await;
    for name in ["Ærøskøbing", "STRASSE 100%", "straße", "a_b", "axb", "back\\slash", "ΟΔΟΣ"] {
        bed.save(&site("1"), counter(name, 1)).await;
    }
    for (text, found) in [
        ("ÆRØ", vec!["Ærøskøbing"]),
        ("straße", vec!["straße", "STRASSE 100%"]),
        ("100%", vec!["STRASSE 100%"]),
        ("A_B", vec!["a_b"]),
        ("k\\s", vec!["back\\slash"]),
        ("οδος", vec!["ΟΔΟΣ"]),
        ("nothing", vec![]),
    ] {
        assert_eq!(listed(&bed.manager, search(text)).await, found, "{text}");
    }
    bed.save(&site("1"), chat("posts")).await;
    assert_eq!(listed(&bed.manager, search("PLAUDER")).await, ["posts"], "the integration's name is searched too");
    assert_eq!(listed(&bed.manager, search("shop.chat")).await, ["posts"], "and its id");
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps_also_while_rows_come_and_go() {
    let bed = Bed::stocked().await;
    for n in 0..25 {
        bed.save(&site("1"), counter(&format!("Name {:02}", n / 2), 1)).await;
    }
    let (mut filter, mut seen) = (ListFilter { limit: 4, ..ListFilter::default() }, Vec::new());
    loop {
        let page = bed.manager.list(&site("1"), &filter).await.unwrap();
        seen.extend(page.items.into_iter().map(|row| row.name));
        // Before the place where the page ended: it shifts nothing.
        bed.save(&site("1"), counter("AAA", 1)).await;
        // As a URL carries it.
        let Some(next) = page.next else { break };
        filter.after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
    assert!("nonsense".parse::<Cursor>().is_err());
}

#[tokio::test]
async fn filters_and_counts_agree() {
    let bed = Bed::stocked().await;
    bed.save(&site("1"), chat("a")).await;
    bed.save(&site("1"), Draft { enabled: false, ..chat("B") }).await;
    bed.save(&site("1"), counter("c", 1)).await;
    bed.save(&site("2"), counter("elsewhere", 1)).await;
    let gone = bed.save(&site("1"), counter("d", 1)).await;
    bed.manager.delete(&site("1"), gone.id, &ada()).await.unwrap();
    let state = |state| ListFilter { state, ..ListFilter::default() };
    assert_eq!(listed(&bed.manager, state(ListState::Present)).await, ["a", "B", "c"]);
    assert_eq!(listed(&bed.manager, state(ListState::Enabled)).await, ["a", "c"]);
    assert_eq!(listed(&bed.manager, state(ListState::Disabled)).await, ["B"]);
    assert_eq!(listed(&bed.manager, state(ListState::Deleted)).await, ["d"]);
    let of = ListFilter { integration: Some(Counter::ID), ..ListFilter::default() };
    assert_eq!(listed(&bed.manager, of).await, ["c"]);
    let counts = bed.manager.counts(&site("1")).await.unwrap();
    assert_eq!((counts.enabled(), counts.disabled(), counts.deleted), (2, 1, 1));
    assert_eq!(counts.by_integration[&Chat::ID], (1, 1));
}
