use proptest::prelude::*;

use super::*;

const STEPS: &[&str] = &["one", "two", "three"];

fn row() -> Row {
    Row {
        id: 1,
        kind: "test".into(),
        key: None,
        lane: None,
        payload: "null".into(),
        phase: Phase::Forward,
        step: "one".into(),
        state: JobState::Running,
        attempts: 1,
        failing_since: None,
        run_at: 0,
        claim: 1,
        reason: None,
        failure: None,
        failed_step: None,
        created_at: 0,
        updated_at: 0,
        finished_at: None,
    }
}

fn failure(for_good: bool) -> Failure {
    Failure { reason: "broken".into(), after: None, for_good }
}

/// As the claim does it.
fn claimed(row: Row) -> Row {
    Row { state: JobState::Running, attempts: row.attempts + 1, ..row }
}

#[test]
fn the_way_forward_visits_every_step_once() {
    let two = succeeded(&row(), STEPS, &Next::Continue, 10);
    let three = succeeded(&two, STEPS, &Next::Continue, 20);
    let end = succeeded(&three, STEPS, &Next::Continue, 30);
    assert_eq!((two.step.as_str(), three.step.as_str()), ("two", "three"));
    assert_eq!((two.state, end.state, end.finished_at), (JobState::Running, JobState::Done, Some(30)));
    assert_eq!(two.run_at, 10 + 30_000, "a step that follows in the same hands has a whole lease");
}

#[test]
fn a_poll_forgives_earlier_failures() {
    let failing = failed(&row(), failure(false), &Backoff::default(), 0, 0.0);
    assert_eq!((failing.failing_since, failing.reason.as_deref()), (Some(0), Some("broken")));
    let poll = succeeded(&claimed(failing), STEPS, &Next::Poll { after: Duration::from_secs(5) }, 100);
    assert_eq!((poll.state, poll.run_at, poll.attempts), (JobState::Polling, 5_100, 0));
    assert_eq!((poll.failing_since, poll.reason), (None, None));
}

#[test]
fn the_total_time_counts_from_the_first_of_a_row_of_failures() {
    let backoff =
        Backoff { jitter: 0.0, max_attempts: None, max_total: Some(Duration::from_secs(10)), ..Backoff::default() };
    let at = |now, row: &Row| failed(row, failure(false), &backoff, now, 0.0);
    let first = at(100_000, &row());
    assert_eq!((first.phase, first.run_at), (Phase::Forward, 101_000));
    let second = at(108_000, &claimed(first));
    assert_eq!((second.phase, second.run_at), (Phase::Forward, 110_000));
    let third = at(110_000, &claimed(second));
    assert_eq!((third.phase, third.state), (Phase::Undo, JobState::Running));
}

#[test]
fn what_was_given_back_has_lost_no_attempt() {
    let back = released(&claimed(Row { attempts: 4, ..row() }), Duration::ZERO, 7);
    assert_eq!((back.state, back.attempts, back.run_at), (JobState::Ready, 4, 7));
}

proptest! {
    #[test]
    fn waits_grow_and_stay_within_their_bounds(
        first in 0u64..10_000, factor in 1.0f64..10.0, cap in 0u64..1_000_000, jitter in 0.0f64..=1.0, attempt: u32,
        chance in 0.0f64..=1.0,
    ) {
        let (first, cap) = (Duration::from_millis(first), Duration::from_millis(cap));
        let backoff = Backoff { first, factor, cap, jitter, max_attempts: None, max_total: None };
        let full = backoff.delay(attempt, 0.0);
        prop_assert!(full <= cap);
        prop_assert!(backoff.delay(attempt.saturating_add(1), 0.0) >= full);
        let some = backoff.delay(attempt, chance);
        prop_assert!(some <= full);
        prop_assert!(some.as_secs_f64() >= full.as_secs_f64() * (1.0 - jitter) - 1e-6);
    }

    /// Whatever the steps answer, a job goes forward, then perhaps back without a gap, and ends.
    #[test]
    fn every_story_ends_and_undoes_in_reverse(outcomes in prop::collection::vec(0u8..4, 0..60)) {
        let backoff = Backoff { max_attempts: Some(3), ..Backoff::default() };
        let mut row = row();
        let mut undone: Vec<String> = Vec::new();
        // After the random part everything succeeds, so that the story has an end.
        for outcome in outcomes.into_iter().chain(std::iter::repeat_n(0, 20)) {
            if row.state != JobState::Running {
                row = claimed(row);
            }
            let after = match outcome {
                0 => succeeded(&row, STEPS, &Next::Continue, 1),
                1 => succeeded(&row, STEPS, &Next::Poll { after: Duration::ZERO }, 1),
                2 => failed(&row, failure(false), &backoff, 1, 0.5),
                _ => failed(&row, failure(true), &backoff, 1, 0.5),
            };
            if row.phase == Phase::Undo && after.phase != Phase::Abandoned && after.state == JobState::Running {
                undone.push(row.step.clone());
            }
            prop_assert!(after.attempts >= 0 && after.attempts <= row.attempts.max(1));
            prop_assert_eq!(after.state.is_finished(), after.finished_at.is_some());
            prop_assert_eq!(after.phase != Phase::Forward, after.failure.is_some());
            row = after;
            if row.state.is_finished() {
                break;
            }
        }
        prop_assert!(row.state.is_finished());
        let failed_at = row.failed_step.as_deref().and_then(|step| STEPS.iter().position(|other| *other == step));
        let all: Vec<&str> = failed_at.map_or(Vec::new(), |at| STEPS[..=at].iter().rev().copied().collect());
        match row.state {
            JobState::Undone => prop_assert_eq!(undone, all),
            JobState::Stuck => prop_assert_eq!(&undone[..], &all[..undone.len()]),
            _ => prop_assert!(undone.is_empty()),
        }
    }
}
