//! What is counted of requests, per site and add-on. Handles are made once, with the first request.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder, Unit};

use crate::fault::Fault;

const REQUESTS: &str = "outrigger_gateway_requests_total";
const FIRST_BYTE: &str = "outrigger_gateway_first_byte_seconds";
const RECEIVED: &str = "outrigger_gateway_received_bytes_total";
const SENT: &str = "outrigger_gateway_sent_bytes_total";
const FAULTS: &str = "outrigger_gateway_faults_total";

const METADATA: Metadata<'static> = Metadata::new("outrigger_gateway", Level::INFO, Some(module_path!()));

/// How requests end: by the first digit of their status, or without one because the client left.
const ENDS: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "left"];

/// Whose requests they are. Their number is bounded by the sites and add-ons that there are: nothing that a client
/// sends is in it.
pub(crate) struct Meters {
    pub(crate) site: Box<str>,
    pub(crate) addon: Box<str>,
    requests: [Counter; ENDS.len()],
    first_byte: Histogram,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meters").field("site", &self.site).field("addon", &self.addon).finish_non_exhaustive()
    }
}

impl Meters {
    /// `host` is one that people know the site by; `addon` is empty for what the site itself answers, and everything
    /// is empty for requests that are for no site.
    pub(crate) fn new(recorder: &dyn Recorder, site: &str, host: &str, addon: &str) -> Arc<Self> {
        let labels: Vec<Label> = [("site", site), ("host", host), ("addon", addon)]
            .map(|(name, value)| Label::new(name, value.to_owned()))
            .into();
        let key = |name| Key::from_parts(name, labels.clone());
        let requests = ENDS.map(|end| {
            let labels = [labels.clone(), vec![Label::new("status", end)]].concat();
            recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA)
        });
        Arc::new(Self {
            site: site.into(),
            addon: addon.into(),
            requests,
            first_byte: recorder.register_histogram(&key(FIRST_BYTE), &METADATA),
            received: recorder.register_counter(&key(RECEIVED), &METADATA),
            sent: recorder.register_counter(&key(SENT), &METADATA),
        })
    }

    pub(crate) fn answered(&self, status: StatusCode, after: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.requests[class - 1].increment(1);
        self.first_byte.record(after);
    }

    pub(crate) fn left(&self) {
        self.requests[ENDS.len() - 1].increment(1);
    }
}

pub(crate) fn count_fault(recorder: &dyn Recorder, fault: &Fault) {
    let labels = vec![Label::new("code", fault.code), Label::new("side", fault.side.word())];
    recorder.register_counter(&Key::from_parts(FAULTS, labels), &METADATA).increment(1);
}

pub(crate) fn describe(recorder: &dyn Recorder) {
    let counters = [
        (REQUESTS, Unit::Count, "Requests, by how they ended"),
        (RECEIVED, Unit::Bytes, "Bytes of the bodies of requests"),
        (SENT, Unit::Bytes, "Bytes of the bodies of answers"),
        (FAULTS, Unit::Count, "Requests that the gateway answered itself, by why and by whose side failed"),
    ];
    for (name, unit, text) in counters {
        recorder.describe_counter(name.into(), Some(unit), text.into());
    }
    let text = "Time from the head of a request to the head of its answer";
    recorder.describe_histogram(FIRST_BYTE.into(), Some(Unit::Seconds), text.into());
}
