//! What a routed instance costs, and what a look-up and a change of one do, as the table grows:
//! `cargo bench -p outrigger-gateway --bench table`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the benchmark failing")]

use std::alloc::System;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cap::Cap;
use outrigger_gateway::{Mount, Origin, Site, Table};

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

const LOOKUPS: usize = 200_000;
const CHANGES: usize = 1_000;

fn host(number: usize) -> String {
    format!("site-{number}.sites.example.com")
}

/// A site with one instance.
fn site(number: usize) -> Site {
    Site {
        id: format!("0190a6b0-0000-7000-8000-{number:012x}"),
        url: format!("https://{}", host(number)),
        hosts: vec![host(number)],
        origin: Some(Origin::Upstream(
            format!("http://10.0.{}.{}:3000", number / 250 % 250, number % 250).parse().unwrap(),
        )),
        identity: None,
        function_hooks: None,
        mounts: vec![Mount {
            slug: "tally".into(),
            endpoint: Some(format!("https://tally.example.com/tenants/{number}").parse().unwrap()),
            secret: "a secret of thirty-two characters".into(),
            instance_id: format!("0190a6b0-0000-7000-9000-{number:012x}"),
            netlify_id: format!("0190a6b0-0000-7000-a000-{number:012x}"),
        }],
        snippets: vec![],
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds for one look-up, of hosts all over the table.
fn look_up(size: usize, random: &mut fastrand::Rng, find: impl Fn(&str) -> bool) -> f64 {
    let hosts: Vec<String> = (0..LOOKUPS).map(|_| host(random.usize(..size))).collect();
    let begin = Instant::now();
    for host in &hosts {
        assert!(black_box(find(host)));
    }
    begin.elapsed().as_nanos() as f64 / LOOKUPS as f64
}

/// Microseconds for a change of one instance.
fn change(table: &Table, size: usize, random: &mut fastrand::Rng) -> f64 {
    let sites: Vec<Site> = (0..CHANGES).map(|_| site(random.usize(..size))).collect();
    let begin = Instant::now();
    for site in sites {
        table.put(site).unwrap();
    }
    begin.elapsed().as_secs_f64() * 1e6 / CHANGES as f64
}

fn main() {
    println!("| instances | bytes for each | look-up | in a `HashMap` | change of one |");
    println!("|---|---|---|---|---|");
    for size in [1, 10_000, 1_000_000] {
        let random = &mut fastrand::Rng::with_seed(7);
        let before = ALLOCATED.allocated();
        let table = Table::default();
        assert!(table.change(&[], (0..size).map(site)).is_empty());
        let bytes = (ALLOCATED.allocated() - before) / size;
        let lookup = median((0..7).map(|_| look_up(size, random, |host| table.has_host(host))).collect());
        // What the same number of names costs where nothing is shared between two versions.
        let plain: HashMap<String, Arc<String>> = (0..size).map(|at| (host(at), Arc::new(host(at)))).collect();
        let find = |host: &str| plain.get(host).is_some_and(|found| found.starts_with('s'));
        let lookup_plain = median((0..7).map(|_| look_up(size, random, find)).collect());
        drop(plain);
        let took = median((0..7).map(|_| change(&table, size, random)).collect());
        let lookups = format!("{lookup:.0} ns | {lookup_plain:.0} ns");
        println!("| {size} | {bytes} | {lookups} | {took:.1} µs |");
    }
}
