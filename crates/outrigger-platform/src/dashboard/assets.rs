//! Files that pages load. Each has its content's hash in its name and may be kept for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::error::{ApiResult, not_found};

/// A file that pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asset {
    Stylesheet,
    /// The picture in the browser's tab.
    Mark,
}

impl Asset {
    const ALL: [Self; 2] = [Self::Stylesheet, Self::Mark];

    fn content(self) -> &'static str {
        match self {
            Self::Stylesheet => include_str!("dashboard.css"),
            Self::Mark => include_str!("mark.svg"),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Stylesheet => "text/css; charset=utf-8",
            Self::Mark => "image/svg+xml",
        }
    }
}

static NAMES: LazyLock<[String; 2]> = LazyLock::new(|| {
    Asset::ALL.map(|asset| {
        let hash = Sha256::digest(asset.content().as_bytes());
        let short: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        match asset {
            Asset::Stylesheet => format!("dashboard.{short}.css"),
            Asset::Mark => format!("mark.{short}.svg"),
        }
    })
});

/// The file's name, for `Page::Asset`.
pub fn name(asset: Asset) -> &'static str {
    match asset {
        Asset::Stylesheet => &NAMES[0],
        Asset::Mark => &NAMES[1],
    }
}

/// One file.
pub async fn show_asset(Path(file): Path<String>) -> ApiResult<Response> {
    let asset = Asset::ALL.into_iter().find(|asset| name(*asset) == file).ok_or_else(|| not_found("this file"))?;
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, asset.media_type()), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content()).into_response())
}
