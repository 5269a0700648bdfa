//! Step 6: all of it together.

use std::path::Path;
use std::sync::Arc;

use outrigger_db::{Db, Keys, SystemEntropy};
use outrigger_integrations::Manager;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::chat_service::ChatService;
use crate::host::Board;
use crate::integrations::{self, Work};
use crate::people::People;
use crate::reviews::Reviews;
use crate::{store, web};

// [guide: app]
/// What every handler of the board has.
#[derive(Clone)]
pub struct App {
    pub manager: Manager<Board>,
    pub reviews: Reviews,
    pub people: People,
}

impl App {
    pub fn new(db: Db, keys: Arc<Keys>) -> anyhow::Result<App> {
        let manager = integrations::manager(db.clone(), keys)?;
        Ok(App { reviews: Reviews::new(manager.clone()), people: People::new(db, Arc::new(SystemEntropy)), manager })
    }
}
// [end]

impl App {
    /// The board whose database and keys are in this folder.
    pub async fn open(folder: &Path) -> anyhow::Result<App> {
        std::fs::create_dir_all(folder)?;
        let db = store::open(&format!("sqlite:{}/board.db", folder.display())).await?;
        App::new(db, integrations::keys(&folder.join("board.keys"), &SystemEntropy)?)
    }
}

// [guide: serve]
/// Serves the board until `stop` is cancelled, then lets what is running end.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    let work = Work::start(&app.manager, stop.clone()).await?;
    let served = axum::serve(listener, router(&app)).with_graceful_shutdown(stop.clone().cancelled_owned()).await;
    stop.cancel();
    work.end(&app.manager).await;
    Ok(served?)
}
// [end]

fn router(app: &App) -> axum::Router {
    web::router(app).nest("/chat", ChatService::default().router())
}
