//! How much memory the configurations of a process take, before and after their integration has read them:
//! `cargo bench -p outrigger-integrations --features sql --bench memory`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the benchmark failing")]

#[path = "configs/bed.rs"]
mod bed;

use std::alloc::System;

use bed::{Bed, Chat, small_scope};
use cap::Cap;
use outrigger_integrations::{Manager, Scope};

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

fn in_use() -> f64 {
    ALLOCATED.allocated() as f64 / (1024.0 * 1024.0)
}

fn read_all(manager: &Manager<bed::App>, n: usize) -> usize {
    let scopes = std::iter::once(Scope::System).chain((1..n).step_by(2).map(small_scope));
    scopes.map(|scope| manager.configs::<Chat>(&scope).count()).sum()
}

#[tokio::main]
async fn main() {
    for n in [10_000, 100_000] {
        let bed = Bed::of(n).await;
        let manager = bed.another();
        let before = in_use();
        manager.refresh().await.unwrap();
        let loaded = in_use() - before;
        let read = read_all(&manager, n);
        let engine = bed.manager.store().db().engine();
        println!(
            "{engine:?}, {n} configurations: {loaded:.2} MiB loaded, {:.2} MiB once {read} were read",
            in_use() - before
        );
        bed.change_one().await;
    }
}
