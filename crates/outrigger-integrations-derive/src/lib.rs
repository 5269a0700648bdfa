//! The derives of `outrigger-integrations`, which documents and re-exports them: use that crate.
