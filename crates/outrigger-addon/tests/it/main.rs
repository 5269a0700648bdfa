//! What the crate promises to those outside of it.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod guide;
mod properties;
mod vectors;
