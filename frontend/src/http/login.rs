//! Who sends a request: `Authorization: Basic`, or `Bearer` with the same base64 of `name:password`
//! for clients that can set a token only. The roles are those of CQL.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, header::AUTHORIZATION};

use crate::{access::Who, error::RequestError, execute::Executor};

/// Who sends a request with these headers. Where nobody must log in, nobody is looked at.
pub(super) async fn who(executor: &Executor, headers: &HeaderMap) -> Result<Who, RequestError> {
    if let Some(who) = executor.access.unasked() {
        return Ok(who);
    }
    let refused = |message: &str| RequestError::BadCredentials { message: message.to_owned() };
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.ok_or_else(|| {
        refused("log in with the header Authorization: Basic, by name and password of a role")
    })?;
    let (name, password) = credentials(header)
        .ok_or_else(|| refused("the header Authorization is not Basic with a name and password"))?;
    executor.log_in(&name, &password).await
}

fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, token) = header.trim().split_once(' ')?;
    if !["basic", "bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_password_are_read_from_basic_and_bearer_and_nothing_else() {
        let both = Some(("me".to_owned(), "p:w".to_owned()));
        // "me:p:w"
        assert_eq!(credentials("Basic bWU6cDp3"), both);
        assert_eq!(credentials("bearer  bWU6cDp3"), both);
        assert_eq!(credentials("Digest bWU6cDp3"), None);
        assert_eq!(credentials("Basic ?"), None);
        // "me"
        assert_eq!(credentials("Basic bWU="), None);
    }
}
