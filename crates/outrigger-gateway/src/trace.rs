//! W3C Trace Context: the trace of a client is passed on, with the gateway's own step in it; else one begins here. Its
//! id is also the id of the request, by which a log line and an error page are found.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

pub(crate) struct Trace {
    /// 32 digits in hexadecimal.
    pub(crate) id: HeaderValue,
}

/// `traceparent` in version 00: version, id of the trace, id of the step, flags.
const PARENT: [u8; 55] = *b"00-00000000000000000000000000000000-0000000000000000-00";
const ID: Range<usize> = 3..35;
const STEP: Range<usize> = 36..52;
const FLAGS: Range<usize> = 53..55;

impl Trace {
    /// Continues the trace in the headers. One that is not as the standard says is dropped, with its state.
    pub(crate) fn continued(headers: &mut HeaderMap, random: &mut fastrand::Rng) -> Self {
        let mut parent = PARENT;
        match headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(parse) {
            Some((id, flags)) => {
                parent[ID].copy_from_slice(id.as_bytes());
                parent[FLAGS].copy_from_slice(flags.as_bytes());
            }
            None => {
                headers.remove(TRACESTATE);
                write_hex(random.u128(1..), &mut parent[ID]);
            }
        }
        write_hex(random.u64(1..).into(), &mut parent[STEP]);
        headers.insert(TRACEPARENT, header_value(&parent));
        Self { id: header_value(&parent[ID]) }
    }

    pub(crate) fn id_text(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }
}

/// For digits and hyphens.
fn header_value(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// As many digits as there is room for.
fn write_hex(mut number: u128, room: &mut [u8]) {
    for digit in room.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

/// Trace id and flags. Later versions may say more behind the flags.
fn parse(text: &str) -> Option<(&str, &str)> {
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = text.split('-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_whole = version != "00" || parts.next().is_none();
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let is_known = hex(version, 2) && version != "ff" && hex(id, 32) && hex(parent, 16) && hex(flags, 2);
    (is_whole && is_known && !is_zero(id) && !is_zero(parent)).then_some((id, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENTS: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn continued(parent: &str) -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, parent.parse().unwrap());
        headers.insert(TRACESTATE, HeaderValue::from_static("a=b"));
        let trace = Trace::continued(&mut headers, &mut fastrand::Rng::with_seed(1));
        (trace.id_text().to_owned(), headers)
    }

    #[test]
    fn a_clients_trace_goes_on_with_a_step_of_ours() {
        let (id, headers) = continued(&format!("00-{CLIENTS}-00f067aa0ba902b7-01"));
        assert_eq!(id, CLIENTS);
        let parent = headers[TRACEPARENT].to_str().unwrap();
        assert!(parent.starts_with(&format!("00-{CLIENTS}-")) && parent.ends_with("-01"), "{parent}");
        assert!(!parent.contains("00f067aa0ba902b7") && parent.len() == 55, "{parent}");
        assert_eq!(headers[TRACESTATE], "a=b");
        assert_eq!(continued(&format!("01-{CLIENTS}-00f067aa0ba902b7-01-more")).0, CLIENTS);
    }

    #[test]
    fn what_is_no_trace_is_replaced() {
        let zero = "0".repeat(32);
        for wrong in [
            "",
            "x",
            &format!("00-{CLIENTS}-00f067aa0ba902b7"),
            &format!("00-{CLIENTS}-00f067aa0ba902b7-01-more"),
            &format!("00-{}-00f067aa0ba902b7-01", CLIENTS.to_uppercase()),
            &format!("00-{zero}-00f067aa0ba902b7-01"),
            &format!("00-{CLIENTS}-0000000000000000-01"),
            &format!("ff-{CLIENTS}-00f067aa0ba902b7-01"),
        ] {
            let (id, headers) = continued(wrong);
            assert!(id != CLIENTS && id.len() == 32, "{wrong}");
            assert!(headers[TRACEPARENT].to_str().unwrap().starts_with(&format!("00-{id}-")));
            assert!(!headers.contains_key(TRACESTATE));
        }
    }
}
