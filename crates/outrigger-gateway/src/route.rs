//! Where a request goes, told by its host and path alone. Pure.

use std::borrow::Cow;

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'p> {
    /// Something of the add-on with this slug, if the site has it; `rest` begins after the slash behind the slug.
    AddOn { slug: &'p str, rest: &'p str },
    /// Something of the site itself.
    Site,
}

/// Reads a path that was normalised. `prefix` begins and ends with a slash.
pub(crate) fn asked<'p>(path: &'p str, prefix: &str) -> Asked<'p> {
    let Some(behind) = path.strip_prefix(prefix) else { return Asked::Site };
    let (slug, rest) = behind.split_once('/').unwrap_or((behind, ""));
    if slug.is_empty() { Asked::Site } else { Asked::AddOn { slug, rest } }
}

/// The name in an authority: without port and final dot, in lower case. `None` where there is none.
pub(crate) fn host_name(authority: &str) -> Option<Cow<'_, str>> {
    if authority.contains('@') {
        return None;
    }
    let (name, port) = match authority.strip_prefix('[') {
        Some(_) => authority.split_at(authority.find(']')? + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    if name.is_empty() || name.len() > 255 || !name.bytes().all(allowed) {
        return None;
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(name.to_ascii_lowercase()));
    }
    Some(Cow::Borrowed(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_segment_behind_the_prefix_is_the_slug() {
        let check = |path: &str, expected: Asked<'_>| assert_eq!(asked(path, "/.netlify/"), expected, "{path}");
        check("/.netlify/tally", Asked::AddOn { slug: "tally", rest: "" });
        check("/.netlify/tally/", Asked::AddOn { slug: "tally", rest: "" });
        check("/.netlify/tally/a/b", Asked::AddOn { slug: "tally", rest: "a/b" });
        check("/.netlify/tally//a", Asked::AddOn { slug: "tally", rest: "/a" });
        check("/.netlify/", Asked::Site);
        check("/.netlify", Asked::Site);
        check("/.netlify//tally", Asked::Site);
        check("//.netlify/tally", Asked::Site);
        check("/blog/.netlify/tally", Asked::Site);
    }

    #[test]
    fn a_host_is_compared_without_port_dot_and_case() {
        let check = |authority: &str, expected: Option<&str>| {
            assert_eq!(host_name(authority).as_deref(), expected, "{authority}");
        };
        check("shop.localhost", Some("shop.localhost"));
        check("Shop.LOCALHOST:8080", Some("shop.localhost"));
        check("shop.localhost.", Some("shop.localhost"));
        check("shop.localhost.:80", Some("shop.localhost"));
        check("[::1]:80", Some("[::1]"));
        check("127.0.0.1", Some("127.0.0.1"));
        for nowhere in
            ["", ".", ":80", "a b", "user@shop.localhost", "shop.localhost:x", "a:1:2", "[::1", "[::1]x", "a/b"]
        {
            check(nowhere, None);
        }
    }

    proptest! {
        #[test]
        fn any_authority_is_answered_and_names_stay_what_they_are(authority in ".{0,40}") {
            if let Some(name) = host_name(&authority) {
                let again = host_name(&name).map(Cow::into_owned);
                prop_assert_eq!(again.as_deref(), Some(name.strip_suffix('.').unwrap_or(&name)));
            }
        }
    }
}
