//! What is counted while the platform runs, as Prometheus reads it. One process tells of itself only.

use std::sync::Arc;

use metrics::Recorder;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Seconds, from an answer out of memory to one that nobody waits for any more.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

pub(crate) struct Metrics {
    recorder: Arc<dyn Recorder + Send + Sync>,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // Only an empty list would be refused.
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        Self { recorder: Arc::new(recorder), handle }
    }

    pub(crate) fn recorder(&self) -> Arc<dyn Recorder + Send + Sync> {
        self.recorder.clone()
    }

    /// In Prometheus' text format.
    pub(crate) fn text(&self) -> String {
        self.handle.render()
    }

    /// Sums up what was measured. Until then each measurement is kept: somebody has to do this also where nobody asks
    /// for the text.
    pub(crate) fn sum_up(&self) {
        self.handle.run_upkeep();
    }
}
