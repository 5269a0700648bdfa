//! What an integration is given to reach the world.

use std::sync::Arc;

use outrigger_db::{Clock, Entropy};

use crate::Outbound;

/// The way out, the time and the randomness of the process.
#[derive(Clone, Debug)]
pub struct Context {
    /// The guarded client: with time and size limits, and not into private networks unless the operator allows it.
    pub outbound: Outbound,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}
