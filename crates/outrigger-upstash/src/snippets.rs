//! Code that connects to a database with nothing but its variables.

use crate::names::VariableNames;

/// What a snippet is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// An edge function, on Deno.
    Edge,
    /// Node.
    Node,
    /// Rust.
    Rust,
    /// Python.
    Python,
}

impl Language {
    /// In the order in which they are offered.
    pub const ALL: [Language; 4] = [Language::Edge, Language::Node, Language::Rust, Language::Python];

    /// The word for it in forms.
    pub fn id(self) -> &'static str {
        match self {
            Language::Edge => "edge",
            Language::Node => "node",
            Language::Rust => "rust",
            Language::Python => "python",
        }
    }

    /// From the word for it.
    pub fn from_id(id: &str) -> Option<Language> {
        Self::ALL.into_iter().find(|language| language.id() == id)
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Language::Edge => "Edge function (Deno)",
            Language::Node => "Node.js",
            Language::Rust => "Rust",
            Language::Python => "Python",
        }
    }

    /// Code that reads one value of the database with these variables.
    pub fn snippet(self, names: &VariableNames) -> String {
        let template = match self {
            Language::Edge => EDGE,
            Language::Node => NODE,
            Language::Rust => RUST,
            Language::Python => PYTHON,
        };
        template.replace("{URL}", &names.full_url()).replace("{TOKEN}", &names.token())
    }
}

const EDGE: &str = r#"import { Redis } from "https://esm.sh/@upstash/redis@1.39.0";

const redis = new Redis({
  url: Deno.env.get("{URL}"),
  token: Deno.env.get("{TOKEN}"),
});

export default async () => {
  const visits = await redis.incr("visits");
  return new Response(`Visit number ${visits}`);
};

export const config = { path: "/visits" };
"#;

const NODE: &str = r#"// npm install @upstash/redis
import { Redis } from "@upstash/redis";

const redis = new Redis({
  url: process.env.{URL},
  token: process.env.{TOKEN},
});

const visits = await redis.incr("visits");
console.log(`Visit number ${visits}`);
"#;

const RUST: &str = r#"// cargo add anyhow reqwest --features reqwest/json
// cargo add serde_json tokio --features tokio/full
use std::env;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let answer: serde_json::Value = reqwest::Client::new()
        .post(env::var("{URL}")?)
        .bearer_auth(env::var("{TOKEN}")?)
        .json(&["INCR", "visits"])
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    println!("Visit number {}", answer["result"]);
    Ok(())
}
"#;

const PYTHON: &str = r#"# pip install upstash-redis
import os

from upstash_redis import Redis

redis = Redis(
    url=os.environ["{URL}"],
    token=os.environ["{TOKEN}"],
)

visits = redis.incr("visits")
print(f"Visit number {visits}")
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_names_the_variables_and_no_value() {
        let names = VariableNames::of("my-cache");
        for language in Language::ALL {
            let code = language.snippet(&names);
            assert!(code.contains("MY_CACHE_REDIS_REST_FULL_URL"), "{code}");
            assert!(code.contains("MY_CACHE_REDIS_REST_TOKEN"), "{code}");
            assert!(!code.contains("{URL}") && !code.contains("{TOKEN}"), "{code}");
            assert_eq!(Language::from_id(language.id()), Some(language));
        }
        assert_eq!(Language::from_id("cobol"), None);
    }
}
