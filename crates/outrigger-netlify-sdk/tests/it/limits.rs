//! Scripts that do not behave: their limits hold, nothing is half-done, and other visits go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use outrigger_integrations::surface::{Event, SurfaceProgram, VisitView};
use outrigger_netlify_sdk::{Artefact, ScriptLimits, ScriptSurface};

use crate::sample;
use crate::surface::{Visitor, script};

/// With less patience, so that the tests need little.
fn strict(artefact: &Artefact) -> Arc<dyn SurfaceProgram> {
    let mut limits = ScriptLimits::default();
    limits.running = Duration::from_millis(200);
    Arc::new(ScriptSurface::new(artefact, limits))
}

fn told(view: &VisitView) -> &str {
    view.error.as_ref().map_or("", |error| &error.text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_takes_too_much_is_stopped_and_what_it_did_is_undone() {
    let Some(artefact) = sample::artefact().await else { return };
    let visitor = Visitor::new();
    let program = strict(&artefact);
    let view = visitor.open(&program, "/bad").await;
    let before = view.elements.clone();
    let mut view = view;
    for button in ["spin", "hoard", "dig", "flood", "hang", "abroad"] {
        let start = Instant::now();
        view = visitor.click(&view, button).await;
        assert!(told(&view).contains("Something is wrong with this integration"), "{button}: {}", told(&view));
        assert_eq!(view.elements, before, "{button}: nothing is half-done");
        assert!(start.elapsed() < Duration::from_secs(5), "{button}");
    }
    view = visitor.click(&view, "throw").await;
    assert_eq!(told(&view), "a plain text", "that is how authors tell people something");
    view = visitor.click(&view, "hostile").await;
    assert_eq!(told(&view), "");
    let circle = visitor.visits.navigate("ann", view.id, "/circle").await.unwrap();
    assert!(told(&circle).contains("Something is wrong"), "{}", told(&circle));
    let back = visitor.visits.navigate("ann", view.id, "/add").await.unwrap();
    assert_eq!(told(&back), "", "the visit goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_visits_go_on_while_one_is_spinning() {
    let Some(artefact) = sample::artefact().await else { return };
    let visitor = Arc::new(Visitor::new());
    let program = script(&artefact);
    let (bad, good) = (visitor.open(&program, "/bad").await, visitor.open(&program, "/").await);
    let spinning = {
        let (visitor, bad) = (visitor.clone(), bad.clone());
        tokio::spawn(async move { visitor.click(&bad, "spin").await })
    };
    let mut view = good;
    let mut done = 0;
    while !spinning.is_finished() {
        view = visitor.act(&view, Event::Change("pick".to_owned()), &[("pick", "a")]).await;
        assert_eq!(told(&view), "");
        done += 1;
    }
    assert!(done >= 3, "only {done} events beside one that spins for a second");
    assert!(told(&spinning.await.unwrap()).contains("Something is wrong"));
}
