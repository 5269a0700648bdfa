//! What the variables of a database are called, and the address that goes into them.

use url::{Host, Url};

/// The most characters of a database's name that go into a variable's.
const MAX_STEM: usize = 64;
const SUFFIXES: [&str; 3] = ["_REDIS_REST_URL", "_REDIS_REST_TOKEN", "_REDIS_REST_FULL_URL"];

/// The names of a database's three variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableNames {
    stem: String,
}

impl VariableNames {
    /// From the database's name: letters and digits of ASCII in capitals, everything else an underscore. `my-cache`
    /// gives `MY_CACHE_REDIS_REST_URL`, as Upstash's own integration does.
    ///
    /// ```
    /// use outrigger_upstash::VariableNames;
    /// let names = VariableNames::of("my cache.v2");
    /// assert_eq!(names.url(), "MY_CACHE_V2_REDIS_REST_URL");
    /// ```
    pub fn of(database_name: &str) -> VariableNames {
        let cleaned: String = database_name.trim().chars().take(MAX_STEM).map(clean).collect();
        let stem = match cleaned.chars().next() {
            // What is all underscores says nothing, and would be the same for every name in another script.
            _ if cleaned.chars().all(|c| c == '_') => "UPSTASH".to_owned(),
            Some(first) if first.is_ascii_digit() => format!("_{cleaned}"),
            _ => cleaned,
        };
        VariableNames { stem }
    }

    /// The variable with the address as Upstash gives it: a host without `https://`.
    pub fn url(&self) -> String {
        self.stem.clone() + SUFFIXES[0]
    }

    /// The variable with the token.
    pub fn token(&self) -> String {
        self.stem.clone() + SUFFIXES[1]
    }

    /// The variable with the address as clients want it: a whole URL.
    pub fn full_url(&self) -> String {
        self.stem.clone() + SUFFIXES[2]
    }

    /// All of them.
    pub fn all(&self) -> [String; 3] {
        [self.url(), self.token(), self.full_url()]
    }

    /// Whether two databases would set the same variables.
    pub fn collides_with(&self, other: &VariableNames) -> bool {
        let theirs = other.all();
        self.all().iter().any(|name| theirs.contains(name))
    }
}

fn clean(c: char) -> char {
    if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }
}

/// Why an endpoint leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Upstash gave an address for the database that cannot be used: `{0}`")]
pub struct InvalidEndpoint(String);

/// The whole address of a database's REST interface.
///
/// Upstash's `endpoint` is a host without a scheme, or only the first label of one. `scheme` is `https`, but for an
/// emulator on this machine.
///
/// ```
/// use outrigger_upstash::full_url;
/// assert_eq!(full_url("eu2-mollusk-30143.upstash.io", "https").unwrap(), "https://eu2-mollusk-30143.upstash.io");
/// assert_eq!(full_url("beloved-stallion-58500", "https").unwrap(), "https://beloved-stallion-58500.upstash.io");
/// ```
///
/// # Errors
/// [`InvalidEndpoint`] when no web address comes of it.
pub fn full_url(endpoint: &str, scheme: &str) -> Result<String, InvalidEndpoint> {
    let endpoint = endpoint.trim();
    let invalid = || InvalidEndpoint(endpoint.chars().filter(|c| !c.is_control()).take(100).collect());
    let whole = match endpoint.split_once("://") {
        Some(("http" | "https", _)) => endpoint.to_owned(),
        Some(_) => return Err(invalid()),
        // A parser of web addresses would skip the slashes and take what follows for the host.
        None if endpoint.starts_with(['/', ':', '\\']) => return Err(invalid()),
        None => format!("{scheme}://{}", with_domain(endpoint)),
    };
    let url = Url::parse(&whole).map_err(|_| invalid())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let host_is_whole = match url.host() {
        Some(Host::Domain(name)) => !name.is_empty(),
        Some(_) => true,
        None => false,
    };
    // The parser drops or encodes blanks and control characters, which would make it another address than the one shown.
    if !plain || !host_is_whole || url.fragment().is_some() || endpoint.contains(|c: char| c.is_whitespace()) {
        return Err(invalid());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn with_domain(endpoint: &str) -> String {
    let (host, rest) = endpoint.split_at(endpoint.find([':', '/']).unwrap_or(endpoint.len()));
    match host {
        "" | "localhost" => endpoint.to_owned(),
        _ if host.contains(['.', '[']) => endpoint.to_owned(),
        _ => format!("{host}.upstash.io{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(name: &str, url_variable: &str) {
        assert_eq!(VariableNames::of(name).url(), url_variable, "{name}");
    }

    #[test]
    fn names_are_ones_that_a_shell_can_use() {
        check_name("my-cache", "MY_CACHE_REDIS_REST_URL");
        check_name(" two words ", "TWO_WORDS_REDIS_REST_URL");
        check_name("v1.2", "V1_2_REDIS_REST_URL");
        check_name("2nd", "_2ND_REDIS_REST_URL");
        check_name("kø", "K__REDIS_REST_URL");
        check_name("数据库", "UPSTASH_REDIS_REST_URL");
        check_name("", "UPSTASH_REDIS_REST_URL");
        check_name("$(rm)\n", "__RM__REDIS_REST_URL");
        check_name(&"x".repeat(300), &format!("{}_REDIS_REST_URL", "X".repeat(64)));
    }

    #[test]
    fn names_that_are_cleaned_to_the_same_collide() {
        let collide = |a, b| VariableNames::of(a).collides_with(&VariableNames::of(b));
        assert!(collide("a-b", "a_b"));
        assert!(collide("A b", "a.b"));
        assert!(collide("数据库", "ß"));
        assert!(!collide("a", "b"));
        assert!(!collide("a", "a_redis_rest"));
    }

    #[track_caller]
    fn check_url(endpoint: &str, expected: Option<&str>) {
        assert_eq!(full_url(endpoint, "https").ok().as_deref(), expected, "{endpoint}");
    }

    #[test]
    fn endpoints_become_whole_addresses() {
        check_url("eu2-x.upstash.io", Some("https://eu2-x.upstash.io"));
        check_url("beloved-stallion-58500", Some("https://beloved-stallion-58500.upstash.io"));
        check_url("slug:6379", Some("https://slug.upstash.io:6379"));
        check_url("https://eu2-x.upstash.io/", Some("https://eu2-x.upstash.io"));
        check_url("127.0.0.1:8443/redis/1", Some("https://127.0.0.1:8443/redis/1"));
        check_url("localhost:8443/redis/1", Some("https://localhost:8443/redis/1"));
        check_url("[::1]:8443/redis/1", Some("https://[::1]:8443/redis/1"));
        for bad in ["", "/x", "ftp://x.y", "x y.z", "u:p@x.y", "javascript://x", "x.y?q", "x.y#f", "a.b\n.c"] {
            check_url(bad, None);
        }
        assert_eq!(full_url("127.0.0.1:80/redis/1", "http").unwrap(), "http://127.0.0.1/redis/1");
    }
}
