//! Runs: begun by a handler or the host, reported about with a token, timed out, started again.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use outrigger_db::Act;
use outrigger_integrations::*;

use super::bench::{At, Bench, Mood, Moods, scope};

async fn report(bench: &Bench, config: ConfigId, token: &str, body: &'static str) -> StatusCode {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    bench.manager.receive(&config.to_string(), InboundRequest::post(headers, body)).await.status
}

async fn runs(bench: &Bench, config: ConfigId) -> Vec<Run> {
    bench.manager.runs(&scope("a"), config, None, 10).await.unwrap()
}

async fn with_a_run(bench: &Bench) -> (ConfigId, StartedRun) {
    let config = bench.config_of::<0>("one", "a", bench.settings("run")).await;
    bench.started().await;
    bench.pay(1).await;
    bench.work().await;
    let started = bench.hook.runs.lock().unwrap().last().unwrap().clone();
    (config, started)
}

#[tokio::test]
async fn a_run_is_reported_about_with_its_token() {
    let bench = Bench::new().await;
    let (config, started) = with_a_run(&bench).await;
    let run = &runs(&bench, config).await[0];
    assert_eq!((run.id, run.status, &*run.subject), (started.id, RunStatus::Waiting, "order 1"));
    let token = started.token.expose();
    assert_eq!(report(&bench, config, token, "3 of 7").await, StatusCode::OK);
    let run = &runs(&bench, config).await[0];
    assert_eq!((run.status, run.progress.as_deref()), (RunStatus::Pending, Some("3 of 7")));
    assert_eq!(run.link.as_deref(), Some("https://ci.example/1"));

    let other = bench.config_of::<0>("two", "a", bench.settings("run")).await;
    assert_eq!(report(&bench, other, token, "green").await, StatusCode::NOT_FOUND, "bound to the configuration");
    assert_eq!(report(&bench, config, "wrong", "green").await, StatusCode::NOT_FOUND);
    assert_eq!(report(&bench, config, token, "green").await, StatusCode::OK);
    assert_eq!(runs(&bench, config).await[0].status, RunStatus::Succeeded);
    assert_eq!(report(&bench, config, token, "red").await, StatusCode::NOT_FOUND, "it has ended");
    bench.pass(601);
    bench.work().await;
    assert_eq!(runs(&bench, config).await[0].status, RunStatus::Succeeded, "no timeout after the end");
}

#[tokio::test]
async fn the_token_is_nowhere_in_the_database() {
    let bench = Bench::new().await;
    let (_, started) = with_a_run(&bench).await;
    use sea_orm::{ConnectionTrait, Statement};
    let conn = bench.test.db().conn();
    let sql = Statement::from_string(conn.get_database_backend(), "SELECT token_hash FROM integration_run");
    let stored: String = conn.query_one_raw(sql).await.unwrap().unwrap().try_get("", "token_hash").unwrap();
    assert_eq!(stored.len(), 64);
    assert!(!stored.contains(started.token.expose()));
}

#[tokio::test]
async fn a_run_that_nobody_ends_is_timed_out_also_after_a_crash() {
    let probe = At::once("integrations_time_out_run", Act::CrashAfter);
    let bench = Bench::probed(probe).await;
    let (config, started) = with_a_run(&bench).await;
    bench.pass(599);
    bench.work().await;
    assert_eq!(runs(&bench, config).await[0].status, RunStatus::Waiting);
    bench.pass(1);
    bench.work().await;
    assert_eq!(runs(&bench, config).await[0].status, RunStatus::TimedOut);
    let late = bench.manager.update_run(&scope("a"), started.id, &RunUpdate::new().progress("late")).await;
    assert!(matches!(late, Err(RunError::Ended)));
}

#[tokio::test]
async fn the_host_starts_changes_and_calls_off_runs_of_its_scope() {
    let bench = Bench::new().await;
    let config = bench.config("one").await;
    let tx = bench.test.db().begin().await.unwrap();
    let timeout = Duration::from_secs(60);
    let elsewhere = bench.manager.start_run(&scope("b"), &tx, config, "x", timeout).await;
    assert!(matches!(elsewhere, Err(RunError::NotFound)));
    let started = bench.manager.start_run(&scope("a"), &tx, config, "review 17", timeout).await.unwrap();
    tx.commit().await.unwrap();
    let update = RunUpdate::new().status(RunStatus::Pending).link("javascript:alert(1)");
    assert!(matches!(bench.manager.update_run(&scope("a"), started.id, &update).await, Err(RunError::Fault(_))));
    let ada = Actor::new("1", "Ada");
    assert!(matches!(bench.manager.cancel_run(&scope("b"), started.id, &ada).await, Err(RunError::NotFound)));
    assert!(matches!(bench.manager.rerun(&scope("a"), started.id).await, Err(RunError::Unfinished)));
    let run = bench.manager.cancel_run(&scope("a"), started.id, &ada).await.unwrap();
    assert_eq!((run.status, run.progress.as_deref()), (RunStatus::Cancelled, Some("Called off by Ada.")));
}

#[tokio::test]
async fn a_run_can_be_started_again_whatever_happens_to_the_process() {
    for act in [Act::Run, Act::RunTwice, Act::CrashAfter] {
        let bench = Bench::probed(At::once("integrations_ask_again", act)).await;
        let (config, first) = with_a_run(&bench).await;
        bench.pass(600);
        bench.work().await;
        let again = bench.manager.rerun(&scope("a"), first.id).await.unwrap();
        bench.work().await;
        let all = runs(&bench, config).await;
        assert_eq!((all.len(), all[0].id, all[0].rerun_of), (2, again, Some(first.id)), "{act:?}");
        let sent = bench.service.bodies().into_iter().filter(|body| body == "again: order 1").count();
        assert_eq!(sent, 1, "{act:?}");
        let token = bench.hook.runs.lock().unwrap().last().unwrap().token.expose().to_owned();
        assert_eq!(report(&bench, config, &token, "green").await, StatusCode::OK, "{act:?}");
        assert_eq!(runs(&bench, config).await[0].status, RunStatus::Succeeded, "{act:?}");
    }
}

#[tokio::test]
async fn a_rerun_that_fails_says_so_at_the_new_run() {
    for (act, mood) in
        [(Act::Run, Mood::Fails), (Act::Run, Mood::Panics), (Act::FailBefore, Mood::Well), (Act::FailAfter, Mood::Well)]
    {
        let bench = Bench::probed(At::each("integrations_ask_again", act)).await;
        let (config, first) = with_a_run(&bench).await;
        bench.pass(600);
        bench.work().await;
        bench.hook.be(Moods { rerun: mood, ..Moods::default() });
        bench.manager.rerun(&scope("a"), first.id).await.unwrap();
        bench.work().await;
        let run = &runs(&bench, config).await[0];
        assert_eq!(run.status, RunStatus::Errored, "{act:?} {mood:?}");
        assert!(!run.progress.as_deref().unwrap().contains(super::bench::TOKEN), "{:?}", run.progress);
        assert_eq!(bench.service.bodies(), ["order 1"], "{act:?} {mood:?}");
    }
}
