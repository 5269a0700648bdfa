//! Lists, counts, taking out, forgetting.

use outrigger_integrations::*;

use super::bench::{Bench, scope};
use DeliveryState::{Cancelled, Dead, Delivered, Waiting};

#[tokio::test]
async fn lists_are_paged_by_key_and_filtered_by_state() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    for number in 1..=7 {
        bench.service.will(if number % 2 == 0 { &[400] } else { &[200] });
        bench.pay(number).await;
        bench.work().await;
        bench.pass(1);
    }
    let dead = DeliveryFilter { state: Some(Dead) };
    assert_eq!(bench.manager.deliveries(&scope("a"), config, &dead, None, 10).await.unwrap().len(), 3);
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = bench.manager.deliveries(&scope("a"), config, &DeliveryFilter::default(), after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|delivery| delivery.id));
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|a, b| a > b), "newest first");
}

#[tokio::test]
async fn counts_have_a_row_for_each_day() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.service.will(&[400]);
    bench.pay(1).await;
    bench.pay(2).await;
    bench.work().await;
    bench.pass(2 * 24 * 60 * 60);
    bench.service.will(&[500]);
    bench.pay(3).await;
    bench.work().await;
    let counts = bench.manager.delivery_counts(&scope("a"), config, 14).await.unwrap();
    assert_eq!(counts.len(), 14);
    let numbers = |at: usize| (counts[at].dead, counts[at].delivered, counts[at].waiting, counts[at].cancelled);
    assert_eq!((numbers(11), numbers(12), numbers(13)), ((1, 1, 0, 0), (0, 0, 0, 0), (0, 0, 1, 0)));
    assert_eq!(counts[13].day.to_string(), "2026-01-03");
    let others = bench.manager.delivery_counts(&scope("b"), config, 1).await.unwrap();
    assert_eq!((others.len(), others[0].waiting), (1, 0), "another tenant's");
}

#[tokio::test]
async fn people_can_take_messages_out_of_the_queue() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.service.will(&[500]);
    for number in 1..=4 {
        bench.pay(number).await;
        bench.work().await;
    }
    let ada = Actor::new("1", "Ada");
    let list = bench.list(config).await;
    assert!(matches!(bench.manager.cancel_delivery(&scope("b"), list[0].id, &ada).await, Err(DeliverError::NotFound)));
    bench.manager.cancel_delivery(&scope("a"), list[0].id, &ada).await.unwrap();
    bench.work().await;
    // Those behind it go on at once.
    assert_eq!(bench.states(config).await, [Cancelled, Delivered, Delivered, Delivered]);
    assert_eq!(bench.list(config).await[0].reason.as_deref(), Some("Taken out by Ada."));

    bench.service.will(&[500]);
    bench.pay(5).await;
    bench.pay(6).await;
    bench.work().await;
    assert_eq!(bench.manager.cancel_deliveries(&scope("b"), config, &ada).await.unwrap(), 0);
    assert_eq!(bench.manager.cancel_deliveries(&scope("a"), config, &ada).await.unwrap(), 2);
    bench.work().await;
    bench.pay(7).await;
    bench.work().await;
    assert_eq!(bench.service.bodies().last().unwrap(), "order 7");
    assert!(!bench.states(config).await.contains(&Waiting));
}

#[tokio::test]
async fn old_things_are_forgotten_and_waiting_ones_are_not() {
    let bench = Bench::new().await;
    let (config, stuck) = (bench.config("one").await, bench.config("two").await);
    bench.started().await;
    bench.manager.schedule().await.unwrap();
    let event = bench.pay(1).await;
    bench.work().await;
    assert_eq!(bench.states(config).await, [Delivered]);
    bench.pass(29 * 24 * 60 * 60);
    bench.set_enabled(stuck, false).await;
    bench.manager.send_sample(&scope("a"), stuck).await.unwrap();
    bench.work().await;
    assert_eq!(bench.states(config).await, [Delivered]);
    bench.pass(2 * 24 * 60 * 60);
    bench.work().await;
    assert!(bench.list(config).await.is_empty());
    assert_eq!(bench.states(stuck).await, [Waiting]);
    assert!(bench.manager.event_report(&scope("a"), event).await.unwrap().is_none());
}
