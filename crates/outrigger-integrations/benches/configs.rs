//! What configurations cost: a look-up, a change, a first reading, a page of a list.
//!
//! `cargo bench -p outrigger-integrations --features sql`. With `DATABASE_URL` naming a PostgreSQL server, what touches
//! the store is measured there. One integration, three fields of settings, about 250 bytes of them, 9 of 10 enabled.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the benchmark failing")]

#[path = "configs/bed.rs"]
mod bed;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bed::{Bed, Chat};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use outrigger_integrations::{ListFilter, Scope};

const SIZES: [usize; 3] = [10, 10_000, 100_000];

/// The enabled configurations of an integration in one scope, of `n` in all.
fn look_up(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut group = c.benchmark_group("look_up");
    for n in SIZES {
        let bed = runtime.block_on(Bed::of(n));
        for (name, scope) in [("large_scope", Scope::System), ("small_scope", bed::small_scope(n / 2))] {
            group.bench_function(format!("{name}/{n}"), |b| b.iter(|| black_box(bed.manager.configs::<Chat>(&scope))));
            group.bench_function(format!("{name}_first/{n}"), |b| {
                b.iter(|| black_box(bed.manager.configs::<Chat>(&scope).next()));
            });
        }
    }
}

/// One change among `n`: what a process does when it hears of it, its query included.
fn rebuild(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut group = c.benchmark_group("rebuild_after_one_change");
    for n in SIZES {
        let bed = runtime.block_on(Bed::of(n));
        group.bench_function(format!("{n}"), |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    runtime.block_on(bed.change_one());
                    let start = Instant::now();
                    runtime.block_on(bed.manager.refresh()).unwrap();
                    spent += start.elapsed();
                }
                spent
            });
        });
    }
}

/// Reading all of `n` for the first time.
fn first_reading(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut group = c.benchmark_group("first_reading");
    group.sample_size(10);
    for n in [1_000, 10_000, 100_000] {
        let bed = runtime.block_on(Bed::of(n));
        group.bench_function(format!("{n}"), |b| {
            b.iter_batched(
                || bed.another(),
                |manager| {
                    runtime.block_on(manager.refresh()).unwrap();
                    manager
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// A page of 50 of the configurations of one scope, and a search among them.
fn list(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut group = c.benchmark_group("list");
    let bed = runtime.block_on(Bed::of(20_000));
    for (name, search) in [("page_of_10000", ""), ("search_in_10000", "NAME 77"), ("search_without_a_hit", "nobody")] {
        let filter = ListFilter { search: search.into(), ..ListFilter::default() };
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(bed.manager.list(&Scope::System, &filter)).unwrap());
        });
    }
}

criterion_group!(benches, look_up, rebuild, first_reading, list);
criterion_main!(benches);
