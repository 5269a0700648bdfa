//! Memory follows the database: foreign writes, a store that goes away, a process that is cut off.

use std::sync::Arc;
use std::time::Duration;

use outrigger_db::{Db, Engine, SystemClock};
use outrigger_integrations::*;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::host::*;

#[tokio::test]
async fn another_process_follows_without_any_request_there() {
    let bed = Bed::stocked().await;
    let other = bed.other().await;
    let _running = other.run();
    within(other.wait_until(|other| other.freshness().generation.is_some())).await;
    let saved = bed.save(&site("1"), chat("c")).await;
    within(other.wait_until(|other| names(other, &site("1")) == ["c"])).await;
    bed.save(&site("1"), Draft { name: "d".into(), ..Draft::of(&saved) }).await;
    within(other.wait_until(|other| names(other, &site("1")) == ["d"])).await;
    bed.manager.delete(&site("1"), saved.id, &ada()).await.unwrap();
    within(other.wait_until(|other| names(other, &site("1")).is_empty())).await;
}

/// `update()` and `bulk_create()` go unnoticed in Djblets.
#[tokio::test]
async fn writes_by_other_programs_are_seen() {
    let bed = Bed::stocked().await;
    let _running = bed.manager.run();
    let ids = [bed.save(&site("1"), counter("a", 1)).await.id, bed.save(&site("1"), counter("b", 1)).await.id];
    let steps =
        |manager: &Manager<Shop>| manager.configs::<Counter>(&site("1")).map(|c| c.settings.step).collect::<Vec<_>>();
    bed.foreign(r#"UPDATE integration_config SET settings = '{"step":7}'"#).await;
    within(bed.manager.wait_until(|manager| steps(manager) == [7, 7])).await;
    bed.foreign(&format!(
        "INSERT INTO integration_config SELECT 'cfg_0193f3a0b5c77aaa8bbb0123456789ab', integration, scope, 'copy', 'copy', \
         enabled, settings, secrets, settings_version, version, created_at, updated_at, deleted_at, NULL, NULL \
         FROM integration_config WHERE id = '{}'",
        ids[0]
    ))
    .await;
    within(bed.manager.wait_until(|manager| steps(manager) == [7, 7, 7])).await;
    bed.foreign("DELETE FROM integration_config").await;
    within(bed.manager.wait_until(|manager| steps(manager).is_empty())).await;
}

/// A row that somebody has spoilt hides no other.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_left_out_alone() {
    let bed = Bed::stocked().await;
    let bad = bed.save(&site("1"), chat("bad")).await;
    bed.save(&site("1"), chat("good")).await;
    bed.foreign(&format!("UPDATE integration_config SET settings = 'no json' WHERE id = '{}'", bad.id)).await;
    bed.manager.refresh().await.unwrap();
    assert_eq!(names(&bed.manager, &site("1")), ["good"]);
    bed.foreign(&format!("UPDATE integration_config SET scope = 'planet:earth' WHERE id = '{}'", bad.id)).await;
    bed.manager.refresh().await.unwrap();
    assert_eq!(names(&bed.manager, &site("1")), ["good"]);
    assert!(bed.manager.config::<Chat>(&site("1"), bad.id).is_none());
}

/// In Djblets a save in an open transaction lets others read the old rows and keep them.
#[tokio::test]
async fn a_save_in_an_open_transaction_is_seen_when_it_commits() {
    let bed = Bed::stocked().await;
    let other = bed.other().await;
    let _running = other.run();
    within(other.wait_until(|other| other.freshness().generation.is_some())).await;
    let tx = bed.test.db().begin().await.unwrap();
    bed.manager.save_in(&tx, &site("1"), chat("c"), None, &ada()).await.unwrap();
    // A reader that looks before the commit sees the old rows, and must not take them for the new.
    other.refresh().await.unwrap();
    assert!(names(&other, &site("1")).is_empty());
    tx.commit().await.unwrap();
    within(other.wait_until(|other| names(other, &site("1")) == ["c"])).await;
}

/// A restored database is behind what was seen of it.
#[tokio::test]
async fn a_database_that_went_back_in_time_is_read_whole() {
    let bed = Bed::stocked().await;
    bed.save(&site("1"), chat("kept")).await;
    let late = bed.save(&site("1"), chat("late")).await;
    bed.foreign(&format!("DELETE FROM integration_config WHERE id = '{}'", late.id)).await;
    bed.foreign("UPDATE generation SET n = 1").await;
    bed.foreign("DELETE FROM generation_row").await;
    bed.manager.refresh().await.unwrap();
    assert_eq!(names(&bed.manager, &site("1")), ["kept"]);
    assert_eq!(bed.manager.freshness().generation, Some(1));
}

/// Lookups make no query: they work with the database gone.
#[tokio::test]
async fn a_store_that_is_gone_is_said_and_what_was_read_is_served() {
    let bed = Bed::stocked().await;
    bed.save(&site("1"), chat("c")).await;
    let other = bed.other().await;
    other.refresh().await.unwrap();
    assert_eq!(other.freshness().stale, None);
    other.store().db().clone().close().await;
    assert!(other.refresh().await.is_err());
    assert!(other.freshness().stale.is_some());
    assert_eq!(names(&other, &site("1")), ["c"]);
    assert!(other.list(&site("1"), &ListFilter::default()).await.is_err());
}

/// The wire between a process and its server, which can be cut without either of them noticing.
struct Wire {
    address: std::net::SocketAddr,
    whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(server: String) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, whole) = (listener.local_addr().unwrap(), watch::Sender::new(true));
        let state = whole.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (server, state) = (server.clone(), state.subscribe());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(&server).await else { return };
                    let (near_read, near_write) = near.into_split();
                    let (far_read, far_write) = far.into_split();
                    tokio::join!(carry(near_read, far_write, state.clone()), carry(far_read, near_write, state));
                });
            }
        });
        Wire { address, whole }
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut whole: watch::Receiver<bool>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = [0; 8192];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        if whole.wait_for(|whole| *whole).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_process_that_is_cut_off_serves_what_it_has_says_so_and_comes_back() {
    let bed = Bed::stocked().await;
    if bed.test.db().engine() == Engine::Sqlite {
        // There is no wire to a file.
        return;
    }
    bed.save(&site("1"), chat("before")).await;
    let mut url = url::Url::parse(bed.test.url()).unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let wire = Wire::to(server).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(wire.address.port())).unwrap();
    let cut_off = manager(Db::connect(url.as_str()).await.unwrap(), Arc::new(SystemClock));
    cut_off.register(Chat::default()).unwrap().keep();
    let _running = cut_off.run();
    within(cut_off.wait_until(|manager| names(manager, &site("1")) == ["before"])).await;

    wire.whole.send_replace(false);
    let saved = bed.save(&site("1"), chat("meanwhile")).await;
    within(cut_off.wait_until(|manager| manager.freshness().stale.is_some())).await;
    assert_eq!(names(&cut_off, &site("1")), ["before"]);
    wire.whole.send_replace(true);
    within(cut_off.wait_until(|manager| names(manager, &site("1")).len() == 2)).await;
    within(cut_off.wait_until(|manager| manager.freshness().stale.is_none())).await;
    assert!(cut_off.config::<Chat>(&site("1"), saved.id).is_some());
    tokio::time::timeout(Duration::from_secs(1), _running.end()).await.unwrap();
}
