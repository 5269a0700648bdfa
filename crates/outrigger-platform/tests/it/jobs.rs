//! Every job that a worker knows, put to three tests: it fails at each step and leaves nothing behind, each step twice is
//! harmless, and a process that dies after each step is followed by one that goes on. A new job without a [`Subject`]
//! fails all three.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use outrigger_db::{Act, JobFilter, JobState, JobStatus, Probe, Worker};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::build_hooks::{Received, receiver};

/// What happens at a step, given whether it is being undone and which attempt it is.
type Script = dyn Fn(&str, bool, u32) -> Act + Send + Sync;

/// Acts on one kind of job, for as long as it is armed.
struct Prober {
    kind: &'static str,
    act: Box<Script>,
    armed: AtomicBool,
}

impl Prober {
    fn new(kind: &'static str, act: impl Fn(&str, bool, u32) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { kind, act: Box::new(act), armed: AtomicBool::new(true) })
    }
}

impl Probe for Prober {
    fn at(&self, kind: &str, step: &str, undoing: bool, attempt: u32) -> Act {
        if kind != self.kind || !self.armed.load(Ordering::Relaxed) {
            return Act::Run;
        }
        (self.act)(step, undoing, attempt)
    }
}

/// What is done to have a job run, and what holds after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    ProvisionInstance,
    UpdateInstance,
    DeprovisionInstance,
    RefreshInstance,
    RefreshManifest,
    DeliverBuild,
    Prune,
}

impl Subject {
    fn of(kind: &str) -> Self {
        match kind {
            "provision_instance" => Self::ProvisionInstance,
            "update_instance" => Self::UpdateInstance,
            "deprovision_instance" => Self::DeprovisionInstance,
            "refresh_instance" => Self::RefreshInstance,
            "refresh_manifest" => Self::RefreshManifest,
            "deliver_build" => Self::DeliverBuild,
            "prune" => Self::Prune,
            other => panic!("the job `{other}` is not tested: give it a `Subject`"),
        }
    }
}

/// A platform whose one job of interest is probed.
struct Bench {
    subject: Subject,
    test: TestApp,
    probe: Arc<Prober>,
    /// The instance, where the job needs one that is there.
    path: String,
    builds: Received,
    build_url: String,
}

impl Bench {
    async fn new(probe: Arc<Prober>) -> Self {
        let subject = Subject::of(probe.kind);
        let test = TestApp::with_probe(probe.clone()).await;
        let (build_url, builds) = receiver(vec![]).await;
        let mut bench = Self { subject, test, probe, path: String::new(), builds, build_url };
        bench.prepare().await;
        bench
    }

    async fn prepare(&mut self) {
        let test = &self.test;
        match self.subject {
            Subject::ProvisionInstance => {}
            Subject::UpdateInstance | Subject::DeprovisionInstance | Subject::RefreshInstance => {
                let created = test.create(json!({ "plan": "small" })).await.expect(201);
                assert_eq!(created["state"], "active", "{created:#}");
                self.path = test.instances(&format!("/{}", created["id"].as_str().unwrap()));
                test.provider.set_env(json!({ "TEST_URL": "new" }));
            }
            Subject::RefreshManifest => test.provider.set_manifest(|manifest| manifest["name"] = json!("Test 2")),
            Subject::DeliverBuild => {
                test.patch(&test.site(""), json!({ "build_webhook_url": self.build_url })).await.expect(200);
            }
            Subject::Prune => {
                test.post("/services/test/refresh", Value::Null).await.expect(200);
                let aged = "update job set finished_at = 1 where finished_at is not null and kind = 'refresh_manifest'";
                test.db.db().conn().execute_unprepared(aged).await.unwrap();
                assert_eq!(self.old_jobs().await.len(), 1);
            }
        }
    }

    /// Has the job run to its end, or to the end of its round.
    async fn run(&self) -> Option<Answer> {
        let test = &self.test;
        match self.subject {
            Subject::ProvisionInstance => Some(test.create(json!({ "plan": "small" })).await),
            Subject::UpdateInstance => Some(test.put(&self.path, json!({ "config": { "plan": "big" } })).await),
            Subject::DeprovisionInstance => Some(test.delete(&self.path).await),
            Subject::RefreshInstance => Some(test.post(&format!("{}/refresh", self.path), Value::Null).await),
            Subject::RefreshManifest => {
                let addon = test.app.store.find_addon("test").await.unwrap().unwrap();
                self.run_round(addon.id.as_str()).await;
                None
            }
            Subject::DeliverBuild => {
                test.post(&test.site("/builds"), Value::Null).await.expect(200);
                crate::build_hooks::wait_for_end(test).await;
                None
            }
            Subject::Prune => {
                outrigger_platform::schedule_prune(&test.app).await.unwrap();
                self.run_round("daily").await;
                None
            }
        }
    }

    async fn jobs(&self) -> Vec<JobStatus> {
        let filter = JobFilter { kind: None, lane: None, unfinished_only: false };
        self.test.app.store.jobs().list(&filter, None, 100).await.unwrap()
    }

    /// Jobs that finished in another age.
    async fn old_jobs(&self) -> Vec<JobStatus> {
        let old = |job: &JobStatus| job.finished_at.is_some_and(|finished| finished.as_second() == 0);
        self.jobs().await.into_iter().filter(old).collect()
    }

    /// Makes the next round of a recurring job due, and waits until it is over.
    async fn run_round(&self, key: &str) {
        let tx = self.test.db.db().begin().await.unwrap();
        self.test.app.store.jobs().hurry_key(&tx, self.probe.kind, key).await.unwrap();
        tx.commit().await.unwrap();
        self.round_over().await;
    }

    /// Waits until the next round of a recurring job is to come.
    async fn round_over(&self) {
        let later = self.test.app.store.clock().now() + Duration::from_secs(60);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(15);
        loop {
            let jobs = self.jobs().await;
            let mut rounds = jobs.iter().filter(|job| job.kind == self.probe.kind && !job.state.is_finished());
            let waits = rounds.any(|job| !matches!(job.state, JobState::Running) && job.run_at > later);
            if waits {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "no next round: {jobs:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn manifest_name(&self) -> Value {
        self.test.get("/services/test/manifest").await.expect(200)["name"].clone()
    }

    async fn check_done(&self, answer: Option<Answer>) {
        let test = &self.test;
        match self.subject {
            Subject::ProvisionInstance => {
                assert_eq!(answer.unwrap().expect(201)["state"], "active");
                assert_eq!((test.provider.made(), test.provider.count()), (1, 1));
                assert_eq!(test.env_names().await, ["TEST_URL"]);
                assert_eq!(test.get(&test.site("/snippets")).await.expect(200).as_array().unwrap().len(), 1);
            }
            Subject::UpdateInstance | Subject::RefreshInstance => {
                assert!(answer.unwrap().status.is_success());
                let shown = test.get(&self.path).await.expect(200);
                assert_eq!((&shown["state"], &shown["reason"]), (&json!("active"), &Value::Null));
                assert_eq!(shown["env"]["TEST_URL"], "new");
                let plan = if self.subject == Subject::UpdateInstance { "big" } else { "small" };
                assert_eq!(shown["config"]["plan"], plan);
            }
            Subject::DeprovisionInstance => {
                answer.unwrap().expect(204);
                assert_eq!(test.provider.count(), 0);
                assert!(test.all_instances().await.is_empty());
                assert!(test.env_names().await.is_empty());
            }
            Subject::RefreshManifest => assert_eq!(self.manifest_name().await, "Test 2"),
            Subject::DeliverBuild => {
                let log = crate::build_hooks::wait_for_end(test).await;
                assert_eq!(log[0]["state"], "delivered");
                let received = self.builds.lock().unwrap();
                let ids = received.iter().map(|(headers, _)| headers["webhook-id"].clone());
                assert_eq!(ids.collect::<std::collections::BTreeSet<_>>().len(), 1, "a repeated delivery keeps its id");
            }
            Subject::Prune => assert!(self.old_jobs().await.is_empty(), "forgotten"),
        }
    }

    /// What holds after the job was given up, and that doing the same once more works.
    async fn check_failed(&self, answer: Option<Answer>) {
        let test = &self.test;
        match self.subject {
            Subject::ProvisionInstance => {
                answer.unwrap().refused(502);
                assert_eq!(test.provider.count(), 0);
                assert!(test.env_names().await.is_empty());
                assert_eq!(test.get(&test.site("/snippets")).await.expect(200), json!([]));
                assert_eq!(test.get(&test.site("/service-instances")).await.expect(200), json!([]));
                assert_eq!(test.all_instances().await[0]["state"], "failed");
            }
            Subject::UpdateInstance | Subject::RefreshInstance => {
                answer.unwrap().refused(502);
                let shown = test.get(&self.path).await.expect(200);
                assert_eq!((&shown["state"], &shown["config"]["plan"]), (&json!("active"), &json!("small")));
                assert_eq!(shown["env"]["TEST_URL"], "https://db.example/1");
                assert!(shown["reason"].as_str().unwrap().contains("failed"), "{shown:#}");
                assert_eq!(test.provider.config_of("remote-1")["plan"], "small", "also at the add-on");
            }
            Subject::DeprovisionInstance => {
                let shown = answer.unwrap().expect(202);
                assert_eq!(shown["state"], "deprovisioning", "it is not forgotten");
                assert!(shown["reason"].as_str().unwrap().contains("made to fail"), "{shown:#}");
                assert!(test.env_names().await.is_empty());
            }
            Subject::RefreshManifest => {
                let shown = test.get("/services/test").await.expect(200);
                assert!(shown["manifest_error"].as_str().unwrap().contains("made to fail"), "{shown:#}");
            }
            Subject::DeliverBuild => {
                let log = test.get(&test.site("/deliveries")).await.expect(200);
                assert_eq!(log[0]["state"], "failed");
                self.builds.lock().unwrap().clear();
            }
            Subject::Prune => assert!(self.jobs().await.iter().any(|job| job.state == JobState::Ready)),
        }
        self.probe.armed.store(false, Ordering::Relaxed);
        if self.subject == Subject::ProvisionInstance {
            test.create(json!({ "plan": "small" })).await.expect(201);
            return;
        }
        self.check_done(self.run().await).await;
    }
}

/// The kinds and steps of all jobs of the platform; those of the framework of integrations are tested there.
async fn registered() -> Vec<(&'static str, &'static [&'static str])> {
    let test = TestApp::start().await;
    let theirs = test.app.manager.jobs(Worker::new(test.app.store.jobs().clone())).jobs();
    let mut all = outrigger_platform::worker(&test.app).jobs();
    all.retain(|job| !theirs.contains(job));
    all
}

#[tokio::test]
async fn every_job_that_fails_at_any_step_leaves_nothing_behind_and_can_be_tried_again() {
    for (kind, steps) in registered().await {
        for &failing in steps {
            for act in [Act::FailBefore, Act::FailAfter] {
                let only_there =
                    move |step: &str, undoing: bool, _: u32| if step == failing && !undoing { act } else { Act::Run };
                let bench = Bench::new(Prober::new(kind, only_there)).await;
                println!("{kind} {failing} {act:?}");
                let answer = bench.run().await;
                bench.check_failed(answer).await;
            }
        }
    }
}

#[tokio::test]
async fn every_step_of_every_job_twice_is_harmless() {
    for (kind, _) in registered().await {
        let bench = Bench::new(Prober::new(kind, |_, _, _| Act::RunTwice)).await;
        println!("{kind}");
        let answer = bench.run().await;
        bench.check_done(answer).await;
    }
}

#[tokio::test]
async fn undoing_twice_is_harmless() {
    for (kind, steps) in registered().await {
        let last = *steps.last().unwrap();
        let fail_then_twice = move |step: &str, undoing: bool, _: u32| match (undoing, step == last) {
            (false, true) => Act::FailAfter,
            (false, false) => Act::Run,
            (true, _) => Act::RunTwice,
        };
        let bench = Bench::new(Prober::new(kind, fail_then_twice)).await;
        println!("{kind}");
        let answer = bench.run().await;
        bench.check_failed(answer).await;
    }
}

#[tokio::test]
async fn a_process_that_dies_after_each_step_is_followed_by_one_that_goes_on() {
    for (kind, _) in registered().await {
        // As kill -9 would: nothing of the first run of each step is recorded.
        let dies_once = |_: &str, _: bool, attempt: u32| if attempt == 1 { Act::CrashAfter } else { Act::Run };
        let bench = Bench::new(Prober::new(kind, dies_once)).await;
        println!("{kind}");
        let answer = bench.run().await;
        bench.check_done(answer).await;
    }
}
