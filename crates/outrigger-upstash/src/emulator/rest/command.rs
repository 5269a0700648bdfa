//! Commands, as they arrive in JSON or in a path, and those that are refused.

use axum::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::form_urlencoded;

/// They would wait, or change a connection that is not the caller's alone, or the server. Upstash refuses them too.
const REFUSED: &[&str] = &[
    "ACL",
    "ASKING",
    "AUTH",
    "BGREWRITEAOF",
    "BGSAVE",
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZMPOP",
    "BZPOPMAX",
    "BZPOPMIN",
    "CLIENT",
    "CLUSTER",
    "CONFIG",
    "DEBUG",
    "DISCARD",
    "EXEC",
    "FAILOVER",
    "HELLO",
    "LATENCY",
    "MIGRATE",
    "MODULE",
    "MONITOR",
    "MOVE",
    "MULTI",
    "PFDEBUG",
    "PFSELFTEST",
    "PSUBSCRIBE",
    "PSYNC",
    "PUNSUBSCRIBE",
    "QUIT",
    "READONLY",
    "READWRITE",
    "REPLCONF",
    "REPLICAOF",
    "RESET",
    "RESTORE-ASKING",
    "SAVE",
    "SELECT",
    "SHUTDOWN",
    "SLAVEOF",
    "SLOWLOG",
    "SPUBLISH",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SUNSUBSCRIBE",
    "SWAPDB",
    "SYNC",
    "UNSUBSCRIBE",
    "UNWATCH",
    "WAIT",
    "WAITAOF",
    "WATCH",
    "ROLE",
];
/// Never an argument.
const TOKEN_PARAMETER: &str = "_token";

/// One command: its name and its arguments.
pub(super) struct Command(Vec<Bytes>);

impl Command {
    pub(super) fn of_json(body: &[u8]) -> Result<Command, String> {
        match parse(body)? {
            Value::Array(parts) => Command::of_values(&parts),
            _ => Err("ERR failed to parse command: the body is no list".to_owned()),
        }
    }

    /// At least one.
    pub(super) fn list_of_json(body: &[u8]) -> Result<Vec<Command>, String> {
        let Value::Array(commands) = parse(body)? else {
            return Err("ERR failed to parse commands: the body is no list".to_owned());
        };
        if commands.is_empty() {
            return Err("ERR empty pipeline request".to_owned());
        }
        let each = commands.iter().map(|command| match command {
            Value::Array(parts) => Command::of_values(parts),
            _ => Err("ERR failed to parse commands: one of them is no list".to_owned()),
        });
        each.collect()
    }

    fn of_values(parts: &[Value]) -> Result<Command, String> {
        let part = |part: &Value| match part {
            Value::String(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
            Value::Number(_) | Value::Bool(_) => Ok(Bytes::from(part.to_string())),
            _ => Err("ERR failed to parse command: arguments are texts, numbers and booleans".to_owned()),
        };
        parts.iter().map(part).collect::<Result<_, _>>().map(Command)
    }

    /// From `/set/key`, a body as the last argument, and `?EX=100`.
    pub(super) fn of_path(segments: &[&str], query: &str, body: Option<Bytes>) -> Command {
        let mut parts: Vec<Bytes> = segments.iter().map(|segment| decoded(segment)).collect();
        parts.extend(body.filter(|body| !body.is_empty()));
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name != TOKEN_PARAMETER {
                parts.push(Bytes::from(name.into_owned()));
                parts.extend((!value.is_empty()).then(|| Bytes::from(value.into_owned())));
            }
        }
        Command(parts)
    }

    pub(super) fn parts(&self) -> &[Bytes] {
        &self.0
    }

    /// Whether it may be sent to a connection.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(name) = self.0.first().filter(|name| !name.is_empty()) else {
            return Err("ERR empty command".to_owned());
        };
        let name = String::from_utf8_lossy(name).to_ascii_uppercase();
        // BLOCK is an option of the two only before the streams' names.
        let blocks = || {
            let options = self.0.iter().take_while(|part| !part.eq_ignore_ascii_case(b"STREAMS"));
            options.clone().any(|part| part.eq_ignore_ascii_case(b"BLOCK"))
        };
        match name.as_str() {
            "XREAD" | "XREADGROUP" if blocks() => Err(format!("ERR {name} with BLOCK is not available over REST")),
            name if REFUSED.contains(&name) => Err(format!("ERR {name} is not available over REST")),
            _ => Ok(()),
        }
    }
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|fault| format!("ERR failed to parse the request: {fault}"))
}

pub(super) fn decoded(segment: &str) -> Bytes {
    Bytes::from(percent_decode_str(segment).collect::<Vec<u8>>())
}

pub(super) fn query_token(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == TOKEN_PARAMETER).map(|(_, token)| token.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(command: &Command) -> Vec<String> {
        command.parts().iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }

    #[test]
    fn a_path_is_a_command() {
        let body = Some(Bytes::from_static(b"v/1"));
        let command = Command::of_path(&["set", "a%2Fb%20c+d"], "EX=100&_token=t&NX", body);
        assert_eq!(texts(&command), ["set", "a/b c+d", "v/1", "EX", "100", "NX"]);
    }

    #[test]
    fn json_has_texts_numbers_and_booleans() {
        let command = Command::of_json(br#"["SET","k",1.5,true,12345678901234567890]"#).ok().unwrap();
        assert_eq!(texts(&command), ["SET", "k", "1.5", "true", "12345678901234567890"]);
        for bad in ["", "{}", r#"["GET",null]"#, r#"["GET",["k"]]"#, "[", r#""GET""#] {
            assert!(Command::of_json(bad.as_bytes()).is_err(), "{bad}");
        }
        for bad in ["[]", r#"["GET"]"#, r#"[["GET"],{}]"#, "{}"] {
            assert!(Command::list_of_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_that_would_hang_or_leak_are_refused() {
        let check = |text: &str| Command(text.split(' ').map(|part| Bytes::from(part.to_owned())).collect()).check();
        for refused in ["blpop a 0", "SELECT 1", "XREAD block 0 STREAMS s 0", "", "config get *", "multi"] {
            assert!(check(refused).is_err(), "{refused}");
        }
        for taken in ["GET k", "XREAD COUNT 1 STREAMS BLOCK 0", "PING", "echo x", "flushall", "publish c m"] {
            assert_eq!(check(taken), Ok(()), "{taken}");
        }
    }
}
