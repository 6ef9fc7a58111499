//! The SASL mechanism PLAIN (RFC 4616), which every driver's plain-text provider speaks.

use crate::error::RequestError;

/// Name and password.
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// The credentials of a response: an identity to act as, which is not looked at, then name and
/// password, with a NUL before each.
pub(crate) fn credentials(token: Option<&[u8]>) -> Result<Credentials, RequestError> {
    let refused = |message: &str| RequestError::BadCredentials { message: message.to_owned() };
    let mut parts = token.unwrap_or_default().split(|byte| *byte == 0);
    let text = |part: Option<&[u8]>| {
        part.filter(|part| !part.is_empty()).and_then(|part| String::from_utf8(part.to_vec()).ok())
    };
    let _acting_as = parts.next();
    let (name, password) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return Err(refused(
            "Credential format error: username or password is empty or contains NUL(\\0) character",
        ));
    }
    let password = text(password).ok_or_else(|| refused("Password must not be null"))?;
    let name = text(name).ok_or_else(|| refused("Authentication ID must not be null"))?;
    Ok(Credentials { name, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(token: &[u8]) -> Result<(String, String), String> {
        credentials(Some(token))
            .map(|found| (found.name, found.password))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn name_and_password_are_found_and_the_identity_to_act_as_is_not_looked_at() {
        let expected = Ok(("me".to_owned(), "p w".to_owned()));
        assert_eq!(read(b"\0me\0p w"), expected);
        assert_eq!(read(b"you\0me\0p w"), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(read(b""), Err("Password must not be null".to_owned()));
        assert_eq!(read(b"\0me\0"), Err("Password must not be null".to_owned()));
        assert_eq!(read(b"\0\0secret"), Err("Authentication ID must not be null".to_owned()));
        assert!(read(b"\0me\0a\0b").unwrap_err().contains("NUL"));
        assert!(read(b"\0me\0\xff").is_err());
        assert!(credentials(None).is_err());
    }
}
