//! Where a user's token is in a request: in `Authorization`, or else in a cookie. It is taken out of both. Pure.

use http::{HeaderMap, HeaderValue, header};

const COOKIE_NAME: &[u8] = b"nf_jwt";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// Something that is meant as a token, whatever it is.
    Token(String),
    /// Several: those behind us might choose another one than we would.
    Ambiguous,
}

/// Takes the token out of the headers. Other schemes of `Authorization` are between the client and the add-on: they
/// stay, and go before the cookie as a token would.
pub(super) fn take(headers: &mut HeaderMap) -> Found {
    let in_cookies = take_cookie(headers);
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(first) = values.next() else { return in_cookies };
    if values.next().is_some() {
        headers.remove(header::AUTHORIZATION);
        return Found::Ambiguous;
    }
    let Some(token) = bearer(first.as_bytes()) else { return Found::Nothing };
    let token = text(token);
    headers.remove(header::AUTHORIZATION);
    Found::Token(token)
}

/// What is behind the scheme, if that is `Bearer`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    scheme.eq_ignore_ascii_case(b"bearer").then_some(rest.trim_ascii())
}

fn take_cookie(headers: &mut HeaderMap) -> Found {
    let mut found = Found::Nothing;
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut is_changed = false;
    let values = headers.get_all(header::COOKIE).iter();
    for pair in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b';')).map(<[u8]>::trim_ascii) {
        let Some(value) = token_cookie(pair) else {
            kept.push(pair);
            continue;
        };
        is_changed = true;
        // An empty one is what is left of somebody who logged out.
        if !value.is_empty() {
            found = if found == Found::Nothing { Found::Token(text(value)) } else { Found::Ambiguous };
        }
    }
    if is_changed {
        let cookies = HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok().filter(|cookies| !cookies.is_empty());
        headers.remove(header::COOKIE);
        headers.extend(cookies.map(|cookies| (header::COOKIE, cookies)));
    }
    found
}

/// The value of the cookie, without quotes, if its name is the token's.
fn token_cookie(pair: &[u8]) -> Option<&[u8]> {
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    if pair[..equals].trim_ascii() != COOKIE_NAME {
        return None;
    }
    let value = pair[equals + 1..].trim_ascii();
    Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(text: &str) -> Found {
        Found::Token(text.to_owned())
    }

    /// What is found, and what is left of `Authorization` and of `Cookie`.
    fn check(authorization: &[&str], cookie: &[&str], expected: (Found, &[&str], &[&str])) {
        let mut headers = HeaderMap::new();
        for (name, values) in [(header::AUTHORIZATION, authorization), (header::COOKIE, cookie)] {
            for value in values {
                headers.append(name.clone(), value.parse().unwrap());
            }
        }
        let found = take(&mut headers);
        let left = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        let left = (left(header::AUTHORIZATION), left(header::COOKIE));
        assert_eq!((found, &*left.0, &*left.1), expected, "{authorization:?} {cookie:?}");
    }

    #[test]
    fn a_bearer_token_is_taken_out_and_goes_before_a_cookie() {
        check(&[], &[], (Found::Nothing, &[], &[]));
        check(&["Bearer a.b.c"], &[], (token("a.b.c"), &[], &[]));
        check(&["bEARER \t a.b.c "], &["x=1; nf_jwt=d; y=2"], (token("a.b.c"), &[], &["x=1; y=2"]));
        check(&["Bearer"], &["nf_jwt=d"], (token(""), &[], &[]));
        check(&["Bearer a", "Bearer a"], &["nf_jwt=d"], (Found::Ambiguous, &[], &[]));
        check(&["Basic a", "Bearer b"], &[], (Found::Ambiguous, &[], &[]));
    }

    #[test]
    fn other_schemes_stay_and_go_before_a_cookie_too() {
        check(&["Basic YTpi"], &[], (Found::Nothing, &["Basic YTpi"], &[]));
        check(&["Basic YTpi"], &["nf_jwt=d; x=1"], (Found::Nothing, &["Basic YTpi"], &["x=1"]));
        check(&["Bearers a"], &[], (Found::Nothing, &["Bearers a"], &[]));
    }

    #[test]
    fn a_cookie_is_a_token_if_there_is_one_of_that_name() {
        check(&[], &["nf_jwt=a.b.c"], (token("a.b.c"), &[], &[]));
        check(&[], &["nf_jwt=\"a.b.c\"; x=\"1\""], (token("a.b.c"), &[], &["x=\"1\""]));
        check(&[], &["x=1;nf_jwt = a;;y"], (token("a"), &[], &["x=1; ; y"]));
        check(&[], &["nf_jwt=; x=1"], (Found::Nothing, &[], &["x=1"]));
        check(&[], &["nf_jwt=; nf_jwt=a"], (token("a"), &[], &[]));
        check(&[], &["nf_jwt=a; x=1; nf_jwt=b"], (Found::Ambiguous, &[], &["x=1"]));
        check(&[], &["nf_jwt=a; nf_jwt=b; nf_jwt=c"], (Found::Ambiguous, &[], &[]));
        check(&[], &["nf_jwt2=a;  NF_JWT=b"], (Found::Nothing, &[], &["nf_jwt2=a;  NF_JWT=b"]));
    }

    proptest! {
        #[test]
        fn no_token_is_left_behind(before in "[ -~]{0,30}", after in "[ -~]{0,30}", in_header: bool) {
            let mut headers = HeaderMap::new();
            let (name, value) = if in_header {
                (header::AUTHORIZATION, format!("Bearer SECRET{after}"))
            } else {
                (header::COOKIE, format!("{before}; nf_jwt=SECRET;{after}"))
            };
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
            prop_assert_ne!(take(&mut headers), Found::Nothing);
            prop_assert!(headers.values().all(|value| !value.to_str().unwrap().contains("SECRET")));
        }
    }
}
