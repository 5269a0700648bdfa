//! The way of a login token from the link to the server.

use std::fmt;

use axum::response::Html;
use serde::Deserialize;

/// A login token as [`SsoLogin::page`] posts it; take it with axum's `Form` (or `Json`) and hand it to
/// [`crate::Verifier::verify_sso`].
///
/// The token stands in the link's fragment, which a browser keeps for itself. So the page at `admin_url` has to send it:
///
/// ```
/// use axum::extract::State;
/// use axum::routing::get;
/// use axum::{Form, Router};
/// use outrigger_provider::{ProviderError, Secrets, SsoLogin, Verifier, system_clock};
///
/// async fn log_in(State(verifier): State<Verifier>, Form(login): Form<SsoLogin>) -> Result<String, ProviderError> {
///     let claims = verifier.verify_sso(&login.token, Some("notes"))?;
///     Ok(format!("welcome to instance {}", claims.remote_id)) // and set a session cookie
/// }
///
/// let login = get(async || SsoLogin::page("/login")).post(log_in);
/// let verifier = Verifier::new(Secrets::new("the add-on's secret")?, system_clock);
/// let pages: Router = Router::new().route("/login", login).with_state(verifier);
/// # Ok::<(), outrigger_provider::BlankSecret>(())
/// ```
#[derive(Clone, Deserialize)]
pub struct SsoLogin {
    /// The signed token.
    pub token: String,
}

impl SsoLogin {
    /// A page that takes the token out of its own address and posts it to `action` as the form field `token`.
    pub fn page(action: &str) -> Html<String> {
        let action = action.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        Html(format!(
            r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Logging in</title>
<form method="post" action="{action}"><input type="hidden" name="token"><noscript>Logging in needs JavaScript.</noscript></form>
<script>
const form = document.forms[0];
form.elements.token.value = location.hash.slice(1);
history.replaceState(null, "", location.pathname + location.search);
form.submit();
</script>
"#
        ))
    }
}

/// Until it is used or has ended, the token is a key.
impl fmt::Debug for SsoLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SsoLogin(…)")
    }
}
