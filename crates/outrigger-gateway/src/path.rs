//! Paths that mean one thing to everybody who reads them. Pure.

use std::borrow::Cow;

/// Why a path is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathFault {
    #[error("the path holds a % that begins no percent-encoding")]
    Percent,
    #[error("the path holds an encoded zero byte")]
    Zero,
    #[error("the path hides a dot segment behind an encoding, a backslash or a parameter")]
    HiddenDots,
}

/// How often an encoding is looked behind: twice encoded is what has been seen in attacks, once more costs nothing.
const LAYERS: usize = 3;

/// Resolves dot segments, encoded ones too, and decodes what needs no encoding (RFC 3986 section 6.2.2). Encoded
/// slashes stay encoded. A path that some server could read as leading elsewhere is a fault.
pub(crate) fn normalise(path: &str) -> Result<Cow<'_, str>, PathFault> {
    if is_plain(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    let mut kept: Vec<Cow<'_, str>> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let segment = decode_unreserved(segment)?;
        let is_last = segments.peek().is_none();
        match &*segment {
            "." | ".." => {
                if segment.len() == 2 {
                    kept.pop();
                }
                if is_last {
                    kept.push(Cow::Borrowed(""));
                }
            }
            other if hides_dots(other) => return Err(PathFault::HiddenDots),
            _ => kept.push(segment),
        }
    }
    Ok(Cow::Owned(format!("/{}", kept.join("/"))))
}

/// Whether there is nothing to do, which is nearly always. A dot that begins a name, as in `/.netlify/`, is plain.
fn is_plain(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
        && !path.iter().any(|byte| matches!(byte, b'%' | b'\\'))
        && !path.windows(3).any(|three| three == b"/./" || three == b"/.." || three == b"/.;")
        && !path.ends_with(b"/.")
}

fn decode_unreserved(segment: &str) -> Result<Cow<'_, str>, PathFault> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let mut out = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let digits = digits.ok_or(PathFault::Percent)?;
        let byte = u8::from_str_radix(digits, 16).map_err(|_| PathFault::Percent)?;
        match byte {
            0 => return Err(PathFault::Zero),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.extend(['%', char::from(digits.as_bytes()[0]), char::from(digits.as_bytes()[1])]),
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn hides_dots(segment: &str) -> bool {
    let mut layer: Cow<'_, [u8]> = Cow::Borrowed(segment.as_bytes());
    for _ in 0..LAYERS {
        if layer.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots) {
            return true;
        }
        if !layer.contains(&b'%') {
            return false;
        }
        layer = Cow::Owned(percent_encoding::percent_decode(&layer).collect());
    }
    layer.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots)
}

/// Some servers take `..;anything` for `..`.
fn is_dots(piece: &[u8]) -> bool {
    matches!(piece.split(|byte| *byte == b';').next(), Some(b"." | b".."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(normalise(path).as_deref(), Ok(expected), "{path}");
    }

    #[test]
    fn dot_segments_are_resolved_within_the_site() {
        check("/", "/");
        check("/a/b?", "/a/b?");
        check("/a/./b/../c", "/a/c");
        check("/a/..", "/");
        check("/a/b/.", "/a/b/");
        check("/../../etc/passwd", "/etc/passwd");
        check("/a/%2e%2E/b", "/b");
        check("/a/.%2e/b", "/b");
        check("//a//b", "//a//b");
        check("/.netlify/tally/x", "/.netlify/tally/x");
        check("/.well-known/...", "/.well-known/...");
    }

    #[test]
    fn only_what_needs_no_encoding_is_decoded() {
        check("/%2Enetlify/%74ally", "/.netlify/tally");
        check("/a%2Fb%20c%3f", "/a%2Fb%20c%3f");
        check("/%C3%BC", "/%C3%BC");
        check("/100%2525", "/100%2525");
    }

    #[test]
    fn a_path_that_servers_read_differently_goes_nowhere() {
        for (path, fault) in [
            ("/a/..%2fb", PathFault::HiddenDots),
            ("/a/%2e%2e%2fb", PathFault::HiddenDots),
            ("/a/..%5cb", PathFault::HiddenDots),
            ("/a/..\\b", PathFault::HiddenDots),
            ("/a/%252e%252e/b", PathFault::HiddenDots),
            ("/a/%252e%252e%252fb", PathFault::HiddenDots),
            ("/a/x%2f%2e%2e", PathFault::HiddenDots),
            ("/a/..;x=1/b", PathFault::HiddenDots),
            ("/a/..%3b/b", PathFault::HiddenDots),
            ("/a/%00", PathFault::Zero),
            ("/a/%", PathFault::Percent),
            ("/a/%g0", PathFault::Percent),
            ("/a/%é", PathFault::Percent),
        ] {
            assert_eq!(normalise(path), Err(fault), "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_absolute_stays_and_climbs_nowhere(path in "/([a-z.;/\\\\%25eEfF0]|%2e|%2f|%5c|%25){0,24}") {
            if let Ok(once) = normalise(&path) {
                prop_assert!(once.starts_with('/'));
                prop_assert_eq!(normalise(&once), Ok(once.clone()));
                let mut decoded = once.into_owned().into_bytes();
                for _ in 0..=LAYERS {
                    prop_assert!(!decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(is_dots));
                    decoded = percent_encoding::percent_decode(&decoded).collect();
                }
            }
        }

        #[test]
        fn any_text_is_answered(path in ".{0,64}") {
            let _ = normalise(&path);
        }
    }
}
