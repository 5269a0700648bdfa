//! A code-review board, small but whole, that embeds the integrations framework. Its files stand in the order of the
//! guide `docs/guide-supporting-integrations.md`, which quotes them: what stands between `[guide: …]` and `[end]` is in
//! it word for word.

pub mod app;
pub mod chat;
pub mod chat_service;
pub mod events;
pub mod host;
pub mod integrations;
pub mod pages;
pub mod people;
pub mod reviews;
pub mod sample;
pub mod store;
pub mod web;
