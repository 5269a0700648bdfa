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

/// A file of its own, so that the tests can compile it.
const RUST: &str = include_str!("snippets/visits.rs");

const PYTHON: &str = r#"# Needs nothing but Python 3. A client for all commands: pip install upstash-redis
import json
import os
from urllib.request import Request, urlopen

request = Request(
    os.environ["{URL}"],
    data=json.dumps(["INCR", "visits"]).encode(),
    headers={"Authorization": f"Bearer {os.environ['{TOKEN}']}"},
)

with urlopen(request) as answer:
    visits = json.load(answer)["result"]
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
