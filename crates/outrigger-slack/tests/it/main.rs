//! The integration against stand-ins of the three services, over real sockets.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the test failing")]

mod answers;
mod end_to_end;
mod host;
mod limits;
mod services;
