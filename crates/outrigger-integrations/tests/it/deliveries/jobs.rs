//! Every job: failing at its step, running twice, dying after it. Nothing is lost, nothing is there twice.

use std::collections::BTreeSet;
use std::sync::Mutex;

use outrigger_db::{Act, Probe};
use outrigger_integrations::*;

use super::bench::{At, Bench, random, scope};
use DeliveryState::{Dead, Delivered, Waiting};

const DISPATCH: &str = "integrations_dispatch_event";
const HANDLE: &str = "integrations_handle_event";
const SEND: &str = "integrations_send_delivery";

#[tokio::test]
async fn a_fan_out_or_a_handler_that_fails_for_good_leaves_no_delivery() {
    for (kind, act) in
        [(DISPATCH, Act::FailBefore), (DISPATCH, Act::FailAfter), (HANDLE, Act::FailBefore), (HANDLE, Act::FailAfter)]
    {
        let bench = Bench::probed(At::each(kind, act)).await;
        let config = bench.config("one").await;
        bench.started().await;
        let event = bench.pay(1).await;
        bench.work().await;
        assert!(bench.list(config).await.is_empty() && bench.service.bodies().is_empty(), "{kind} {act:?}");
        let report = bench.manager.event_report(&scope("a"), event).await.unwrap().unwrap();
        let states: Vec<_> = report.hearings.iter().map(|hearing| hearing.state).collect();
        assert_eq!(states, if kind == HANDLE { vec![HearingState::Failed] } else { vec![] }, "{kind} {act:?}");
    }
}

#[tokio::test]
async fn a_sending_that_fails_for_good_leaves_a_dead_letter_and_a_queue_that_goes_on() {
    for act in [Act::FailBefore, Act::FailAfter] {
        let bench = Bench::probed(At::each(SEND, act)).await;
        let config = bench.config("one").await;
        bench.started().await;
        bench.pay(1).await;
        bench.pay(2).await;
        bench.work().await;
        assert_eq!(bench.states(config).await, [Dead, Dead], "{act:?}");
    }
}

/// Pays twice and works until all has arrived; how often each message was sent, and what is stored.
async fn pay_twice(bench: &Bench) -> (Vec<usize>, Vec<DeliveryState>) {
    let config = bench.config("one").await;
    bench.started().await;
    bench.pay(1).await;
    bench.pay(2).await;
    for _ in 0..5 {
        bench.work().await;
        bench.pass(60);
    }
    let bodies = bench.service.bodies();
    let times = |text: &str| bodies.iter().filter(|body| *body == text).count();
    let ids: BTreeSet<String> = bench.service.asked().into_iter().map(|asked| asked.id).collect();
    assert_eq!(ids.len(), 2, "each message has one idempotency key, however often it is sent");
    (vec![times("order 1"), times("order 2")], bench.states(config).await)
}

#[tokio::test]
async fn each_step_twice_makes_nothing_twice() {
    for kind in [DISPATCH, HANDLE] {
        let bench = Bench::probed(At::each(kind, Act::RunTwice)).await;
        assert_eq!(pay_twice(&bench).await, (vec![1, 1], vec![Delivered; 2]), "{kind}");
    }
    // Only the other side can tell that it has had a message: it is sent again under the same key.
    let bench = Bench::probed(At::once(SEND, Act::RunTwice)).await;
    assert_eq!(pay_twice(&bench).await, (vec![2, 1], vec![Delivered; 2]));
}

#[tokio::test]
async fn a_process_that_dies_after_any_step_is_followed_by_one_that_goes_on() {
    for kind in [DISPATCH, HANDLE, SEND] {
        let bench = Bench::probed(At::once(kind, Act::CrashAfter)).await;
        assert_eq!(pay_twice(&bench).await, (vec![1, 1], vec![Delivered; 2]), "{kind}");
    }
}

#[tokio::test]
async fn a_process_that_dies_while_it_sends_is_noticed_and_the_message_sent_again() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    bench.started().await;
    bench.hook.be(super::bench::Moods { send: super::bench::Mood::Hangs, ..Default::default() });
    bench.pay(1).await;
    // Dropped in the middle of sending, as a killed process is.
    let killed = tokio::time::timeout(std::time::Duration::from_secs(2), bench.work()).await;
    assert!(killed.is_err());
    bench.hook.be(Default::default());
    bench.pass(31);
    bench.work().await;
    assert_eq!(bench.states(config).await, [Waiting]);
    bench.pass(5);
    bench.work().await;
    assert_eq!(bench.states(config).await, [Delivered]);
    let detail = bench.detail(bench.list(config).await[0].id).await;
    let outcomes: Vec<_> = detail.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Interrupted, AttemptOutcome::Delivered]);
}

/// Does anything to the first steps.
struct Anything(Mutex<(u64, u32)>);

impl Probe for Anything {
    fn at(&self, _: &str, _: &str, undoing: bool, _: u32) -> Act {
        let mut state = self.0.lock().unwrap();
        let (random, left) = *state;
        if undoing || left == 0 {
            return Act::Run;
        }
        *state = (random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f), left - 1);
        [Act::Run, Act::RunTwice, Act::CrashAfter, Act::Run][usize::try_from(random >> 62).unwrap()]
    }
}

#[tokio::test]
async fn whatever_happens_each_message_arrives_in_its_turn() {
    for _ in 0..8 {
        let seed = random();
        let bench = Bench::probed(Anything(Mutex::new((seed, 12)))).await;
        let config = bench.config("one").await;
        bench.started().await;
        let failures: Vec<u16> = (0..6).map(|at| if seed >> at & 1 == 0 { 200 } else { 503 }).collect();
        bench.service.will(&failures);
        for number in 1..=5 {
            bench.pay(number).await;
            bench.work().await;
        }
        for _ in 0..30 {
            bench.pass(600);
            bench.work().await;
        }
        assert_eq!(bench.states(config).await, [Delivered; 5], "seed {seed}");
        let order: Vec<_> = bench.service.asked();
        let mut firsts: Vec<&str> = Vec::new();
        for asked in &order {
            if !firsts.contains(&&*asked.body) {
                firsts.push(&asked.body);
            }
        }
        assert_eq!(firsts, ["order 1", "order 2", "order 3", "order 4", "order 5"], "seed {seed}");
        let ids: BTreeSet<_> = order.iter().map(|asked| &asked.id).collect();
        assert_eq!(ids.len(), 5, "seed {seed}");
    }
}
