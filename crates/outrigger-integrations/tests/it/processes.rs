//! Several operating-system processes on one database: a save in one is seen by all, soon and for ever.
//!
//! The test starts itself again with an environment variable that makes it a writer or a reader.

use std::collections::BTreeMap;
use std::env;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outrigger_db::{Db, Entropy, SystemEntropy};
use outrigger_integrations::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::host::*;

const ROLE: &str = "OUTRIGGER_TEST_PROCESS";
const CONFIGS: usize = 6;

/// One of the other processes. It talks in lines.
struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(role: &str, url: &str) -> Process {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "processes::a_process_of_its_own", "--nocapture"])
            .env(ROLE, format!("{role} {url}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut process = Process { child, input, output: BufReader::new(output).lines() };
        process.next("ready").await;
        process
    }

    /// The rest of the next line that begins with this word; lines of the test harness are passed over.
    async fn next(&mut self, word: &str) -> String {
        loop {
            let line = within(self.output.next_line()).await.unwrap().expect("the process lives");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    async fn ask(&mut self, question: &str) -> String {
        self.input.write_all(format!("{question}\n").as_bytes()).await.unwrap();
        self.next("answer").await
    }

    /// As the power cut does it.
    async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the real time between two processes")]
fn micros() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()
}

fn chance(below: usize) -> usize {
    let mut random = [0; 4];
    SystemEntropy.fill(&mut random);
    u32::from_be_bytes(random) as usize % below
}

/// Not a test by itself: what the processes of the tests below do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_its_own() {
    let Ok(role) = env::var(ROLE) else { return };
    let (role, url) = role.split_once(' ').unwrap();
    let manager = real_manager(Db::connect(url).await.unwrap());
    manager.register(Counter).unwrap().keep();
    let _running = manager.run();
    manager.refresh().await.unwrap();
    println!("\nready");
    let mut questions = BufReader::new(tokio::io::stdin()).lines();
    if role == "writer" {
        write_for_ever(&manager).await;
    }
    let watching = manager.clone();
    let watcher = (role == "reader").then(|| tokio::spawn(async move { watch(&watching).await }));
    while let Ok(Some(question)) = questions.next_line().await {
        match question.split_once(' ') {
            // When the configuration has this step here.
            Some(("until", step)) => {
                let step: i64 = step.parse().unwrap();
                manager.wait_until(|manager| steps(manager).values().any(|(found, _)| *found == step)).await;
                println!("answer {}", micros());
            }
            Some(("save", step)) => {
                manager
                    .save(&site("1"), counter(&format!("timed {step}"), step.parse().unwrap()), None, &ada())
                    .await
                    .unwrap();
                println!("answer {}", micros());
            }
            _ => println!("answer {:?}", steps(&manager)),
        }
        assert!(watcher.as_ref().is_none_or(|watcher| !watcher.is_finished()), "the watcher saw something impossible");
    }
}

/// Version and step of each configuration. In every save of the writers both are the same.
fn steps(manager: &Manager<Shop>) -> BTreeMap<String, (i64, i64)> {
    let configs = manager.configs::<Counter>(&site("1"));
    configs.map(|config| (config.name.clone(), (config.settings.step, config.version))).collect()
}

/// Looks at every snapshot: versions never go back, and nothing is torn.
async fn watch(manager: &Manager<Shop>) {
    let seen = std::sync::Mutex::new((BTreeMap::<String, i64>::new(), None));
    manager
        .wait_until(|manager| {
            let mut seen = seen.lock().unwrap();
            let generation = manager.freshness().generation;
            assert!(generation >= seen.1, "the generation went back");
            seen.1 = generation;
            let steps = steps(manager);
            let totals: Vec<_> = manager.configs::<Counter>(&site("pair")).map(|config| config.settings.step).collect();
            assert!(totals.windows(2).all(|two| two[0] == two[1]), "a transaction is half there: {totals:?}");
            for (name, (step, version)) in steps {
                assert!(step == version, "{name} is torn: {step}, {version}");
                let last = seen.0.insert(name.clone(), version).unwrap_or(0);
                assert!(version >= last, "{name} went from {last} back to {version}");
            }
            false
        })
        .await;
}

/// Saves whatever it finds, by its own random choice, until it is killed.
async fn write_for_ever(manager: &Manager<Shop>) {
    loop {
        if chance(4) == 0 {
            write_pair(manager).await;
            continue;
        }
        let page = manager.list(&site("1"), &ListFilter::default()).await.unwrap();
        let row = &page.items[chance(page.items.len())];
        let draft = Draft { id: Some(row.id), ..counter(&row.name, row.version + 1) };
        match manager.save(&site("1"), draft, Some(row.version), &ada()).await {
            Ok(_) | Err(SaveError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Two configurations that change together or not at all.
async fn write_pair(manager: &Manager<Shop>) {
    let scope = site("pair");
    let page = manager.list(&scope, &ListFilter::default()).await.unwrap();
    let tx = manager.store().db().begin().await.unwrap();
    let step = i64::try_from(chance(1_000_000)).unwrap();
    for row in &page.items {
        let draft = Draft { id: Some(row.id), ..counter(&row.name, step) };
        manager.save_in(&tx, &scope, draft, None, &ada()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn stored(bed: &Bed) -> String {
    let other = real_manager(Db::connect(bed.test.url()).await.unwrap());
    other.register(Counter).unwrap().keep();
    other.refresh().await.unwrap();
    format!("{:?}", steps(&other))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_are_never_stale_while_writers_write_and_die() {
    let bed = Bed::stocked().await;
    for n in 0..CONFIGS {
        bed.save(&site("1"), counter(&format!("c{n}"), 1)).await;
    }
    for name in ["left", "right"] {
        bed.save(&site("pair"), counter(name, 0)).await;
    }
    let url = bed.test.url();
    let mut readers = vec![Process::start("reader", url).await, Process::start("reader", url).await];
    let mut writers = vec![Process::start("writer", url).await, Process::start("writer", url).await];
    let before = stored(&bed).await;
    for round in 0..6 {
        tokio::time::sleep(Duration::from_millis(100 + chance(300) as u64)).await;
        // One dies in the middle of whatever it does; so does a reader now and then.
        writers.swap_remove(chance(writers.len())).kill().await;
        writers.push(Process::start("writer", url).await);
        if round % 3 == 2 {
            readers.swap_remove(chance(readers.len())).kill().await;
            readers.push(Process::start("reader", url).await);
        }
    }
    for writer in writers {
        writer.kill().await;
    }
    // Whoever is left comes to what is stored.
    let last = stored(&bed).await;
    assert_ne!(last, before, "the writers wrote");
    for reader in &mut readers {
        let reached = async {
            while reader.ask("steps").await != last {
                tokio::task::yield_now().await;
            }
        };
        within(reached).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_is_seen_by_other_processes_within_50_ms() {
    let bed = Bed::stocked().await;
    let url = bed.test.url();
    let mut writer = Process::start("quiet", url).await;
    let mut readers = [Process::start("quiet", url).await, Process::start("quiet", url).await];
    let mut waits = Vec::new();
    for step in 1..=100 {
        // The readers wait for it before it is saved.
        for reader in &mut readers {
            reader.input.write_all(format!("until {step}\n").as_bytes()).await.unwrap();
        }
        let saved: u128 = writer.ask(&format!("save {step}")).await.parse().unwrap();
        for reader in &mut readers {
            let seen: u128 = reader.next("answer").await.parse().unwrap();
            waits.push(seen.saturating_sub(saved));
        }
    }
    waits.sort_unstable();
    let (median, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    println!("save returned -> seen by another process: median {median} µs, p99 {p99} µs, {} saves", waits.len());
    // A debug build on a machine that does other things as well gets some more; the limit is the release's.
    let limit = if cfg!(debug_assertions) { 500_000 } else { 50_000 };
    assert!(p99 < limit, "p99 is {p99} µs");
}
