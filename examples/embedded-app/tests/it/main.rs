//! The board from outside: its two guides word for word, and what they promise over real sockets.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod bench;
mod guides;
mod program;
mod steps;
