use std::path::PathBuf;

use anyhow::Context as _;
use outrigger_gateway::{Insertion, PageSnippet, SnippetPosition, preview};
use outrigger_platform::api::snippets::{RollOut, SnippetBody};
use serde_json::json;
use url::Url;

use super::registry::Switch;
use super::{Context, path_part};
use crate::exit::CommandResult;
use crate::output::{print_json, print_table, say};
use crate::page;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them in the order in which they go into a page
    List,
    /// Show what a page becomes with them, and what the page's policy blocks of them
    Preview {
        /// The page, at the site or anywhere else
        url: Url,
        /// Write the whole page with them to this file
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Switch one on or off, or have it in the pages of some visitors only
    RollOut {
        id: String,
        /// `on` or `off`
        switch: Option<Switch>,
        /// Percent of the visitors
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i32).range(0..=100))]
        share: Option<i32>,
    },
}

pub(super) async fn run(command: Command, context: &Context) -> CommandResult {
    match command {
        Command::List => list(context).await,
        Command::Preview { url, output } => preview_page(url, output, context).await,
        Command::RollOut { id, switch, share } => {
            let path = context.site_path(&format!("/snippets/{}", path_part(&id)))?;
            let body = RollOut { enabled: switch.map(|switch| switch == Switch::On), share };
            rolled_out(&context.client.patch(&path, &body).await?, context)
        }
    }
}

async fn list(context: &Context) -> CommandResult {
    let snippets: Vec<SnippetBody> = context.client.get(&context.site_path("/snippets")?).await?;
    if context.json {
        return print_json(&snippets);
    }
    if snippets.is_empty() {
        say!("No snippets yet. Add-ons bring theirs along.");
        return Ok(());
    }
    let rows = snippets.into_iter().map(|snippet| {
        let who = in_whose_pages(&snippet);
        [snippet.title, snippet.owner, snippet.general_position, who, snippet.id.to_string()]
    });
    print_table(["title", "of", "position", "in the pages of", "id"], rows);
    Ok(())
}

async fn preview_page(url: Url, output: Option<PathBuf>, context: &Context) -> CommandResult {
    let snippets: Vec<SnippetBody> = context.client.get(&context.site_path("/snippets")?).await?;
    let snippets: Vec<PageSnippet> = snippets.into_iter().filter(|snippet| snippet.enabled).map(on_page).collect();
    let (headers, page) = page::fetch(url).await?;
    let shown = preview(&headers, &page, &snippets);
    if let Some(path) = output {
        std::fs::write(&path, &shown.page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let blocked: Vec<String> = shown.blocked.iter().map(ToString::to_string).collect();
    if context.json {
        let insertions = shown.insertions.iter().map(|insertion| json!({ "at": insertion.at, "html": insertion.html }));
        return print_json(&json!({
            "before_bytes": page.len(),
            "after_bytes": shown.page.len(),
            "insertions": insertions.collect::<Vec<_>>(),
            "blocked": blocked,
        }));
    }
    for Insertion { at, html } in &shown.insertions {
        let line = page[..*at].iter().filter(|byte| **byte == b'\n').count() + 1;
        say!("Line {line}, byte {at}:");
        say!("    …{}", String::from_utf8_lossy(&page[at.saturating_sub(CONTEXT)..*at]).trim());
        html.lines().for_each(|line| say!("  + {line}"));
        say!("    {}…", String::from_utf8_lossy(&page[*at..page.len().min(at + CONTEXT)]).trim());
    }
    let (before, after) = (page.len(), shown.page.len());
    match shown.insertions.is_empty() {
        true if snippets.is_empty() => say!("The site has no snippets that are switched on."),
        true => say!("The page is no whole HTML document: it stays as it is, with {before} bytes."),
        false => say!("{before} bytes before, {after} after: {} more.", after - before),
    }
    blocked.iter().for_each(|blocked| say!("Beware: {blocked}."));
    Ok(())
}

/// Bytes of the page that are shown before and behind what was put in.
const CONTEXT: usize = 60;

/// As a visitor who has it sees it.
fn on_page(snippet: SnippetBody) -> PageSnippet {
    let position = match snippet.general_position.as_str() {
        "footer" => SnippetPosition::Footer,
        _ => SnippetPosition::Head,
    };
    PageSnippet { id: snippet.id.to_string(), position, html: snippet.general, share: 100 }
}

fn in_whose_pages(snippet: &SnippetBody) -> String {
    match (snippet.enabled, snippet.share) {
        (false, _) => "nobody".to_owned(),
        (true, 100) => "all".to_owned(),
        (true, share) => format!("{share} %"),
    }
}

fn rolled_out(snippet: &SnippetBody, context: &Context) -> CommandResult {
    if context.json {
        return print_json(snippet);
    }
    say!("`{}` is in the pages of {}.", snippet.title, in_whose_pages(snippet));
    Ok(())
}
