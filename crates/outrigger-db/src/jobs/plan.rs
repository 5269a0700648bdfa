//! What becomes of a job after a step: values in, values out.

use std::time::Duration;

use super::table::{JobState, Phase, Row};
use super::{Backoff, Next};

/// How long a worker has a job without saying so again. Another takes over this long after a process was killed.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// Why a step did not do its work, and what it said about trying again.
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) after: Option<Duration>,
    pub(super) for_good: bool,
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// After a step, an undo or an `ended` that went well. `next` counts only on the way forward.
pub(super) fn succeeded(row: &Row, steps: &[&str], next: &Next, now: i64) -> Row {
    let at = steps.iter().position(|step| *step == row.step);
    match row.phase {
        Phase::Forward => match (next, at.and_then(|at| steps.get(at + 1))) {
            (Next::Continue, Some(following)) => entered(row, Phase::Forward, following, now),
            (Next::Continue, None) | (Next::Finish, _) => finished(row, JobState::Done, now),
            (Next::Poll { after }, _) => waiting(row, JobState::Polling, &row.step, *after, now),
            (Next::Again { after }, _) => {
                waiting(row, JobState::Ready, steps.first().unwrap_or(&row.step.as_str()), *after, now)
            }
        },
        Phase::Undo => match at.and_then(|at| at.checked_sub(1)).and_then(|at| steps.get(at)) {
            Some(preceding) => entered(row, Phase::Undo, preceding, now),
            None => entered(row, Phase::Cleaned, row.failed_step.as_ref().unwrap_or(&row.step), now),
        },
        Phase::Cleaned => finished(row, JobState::Undone, now),
        Phase::Abandoned => finished(row, JobState::Stuck, now),
    }
}

/// After a failure: the same again later, or the way back. `chance`, from 0 to 1, is for the jitter.
pub(super) fn failed(row: &Row, failure: Failure, backoff: &Backoff, now: i64, chance: f64) -> Row {
    let number = u32::try_from(row.attempts).unwrap_or(0);
    let since = row.failing_since.unwrap_or(now);
    let run_at = now.saturating_add(millis(failure.after.unwrap_or_else(|| backoff.delay(number, chance))));
    let spent = backoff.max_attempts.is_some_and(|most| number >= most)
        || backoff.max_total.is_some_and(|most| run_at - since > millis(most));
    match row.phase {
        Phase::Forward if spent || failure.for_good => {
            let back = Row { failure: Some(failure.reason), failed_step: Some(row.step.clone()), ..row.clone() };
            entered(&back, Phase::Undo, &row.step, now)
        }
        Phase::Undo if spent || failure.for_good => {
            let why = row.failure.as_deref().unwrap_or_default();
            let both = format!("{why}; and `{}` could not be undone: {}", row.step, failure.reason);
            let step = row.failed_step.as_ref().unwrap_or(&row.step);
            entered(&Row { failure: Some(both), ..row.clone() }, Phase::Abandoned, step, now)
        }
        // What people see has to be written, however long it takes.
        _ => Row {
            state: JobState::Ready,
            run_at,
            failing_since: Some(since),
            reason: Some(failure.reason),
            updated_at: now,
            ..row.clone()
        },
    }
}

/// Back to those that wait, as if this attempt had not been: nobody failed.
pub(super) fn released(row: &Row, after: Duration, now: i64) -> Row {
    Row {
        state: JobState::Ready,
        attempts: (row.attempts - 1).max(0),
        run_at: now.saturating_add(millis(after)),
        updated_at: now,
        ..row.clone()
    }
}

/// At the first attempt of another step, still in the same hands.
fn entered(row: &Row, phase: Phase, step: &str, now: i64) -> Row {
    Row {
        phase,
        step: step.to_owned(),
        state: JobState::Running,
        attempts: 1,
        failing_since: None,
        run_at: now.saturating_add(millis(LEASE)),
        reason: row.failure.clone(),
        updated_at: now,
        ..row.clone()
    }
}

fn waiting(row: &Row, state: JobState, step: &str, after: Duration, now: i64) -> Row {
    Row {
        step: step.to_owned(),
        state,
        attempts: 0,
        failing_since: None,
        run_at: now.saturating_add(millis(after)),
        reason: None,
        updated_at: now,
        ..row.clone()
    }
}

fn finished(row: &Row, state: JobState, now: i64) -> Row {
    Row { state, reason: row.failure.clone(), updated_at: now, finished_at: Some(now), ..row.clone() }
}

#[cfg(test)]
mod tests;
