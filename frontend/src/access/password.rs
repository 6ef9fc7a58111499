//! Passwords as salted hashes: PBKDF2 with HMAC-SHA-512, in the PHC string form
//! `$pbkdf2-sha512$i=<iterations>$<salt>$<hash>` (base64 without padding). Hashes of bcrypt, as
//! Cassandra makes them, are taken and checked, so that roles can move here with their passwords.
//! Slow on purpose: call it where nothing else waits.

use std::{num::NonZeroU32, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use cellar_metadata_api::Secret;
use ring::{
    pbkdf2,
    rand::{SecureRandom, SystemRandom},
};

use crate::error::RequestError;

/// As OWASP recommends for this function: about a tenth of a second.
const ITERATIONS: u32 = 210_000;
/// Hashes that ask for more were made to keep the process busy.
const ITERATIONS_MAX: u32 = 10_000_000;
/// The same for bcrypt, as the logarithm of its rounds: some seconds. Cassandra makes 10 of it.
const BCRYPT_COST_MAX: u32 = 16;
/// The least that bcrypt has.
const BCRYPT_COST_MIN: u32 = 4;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
const NAME: &str = "pbkdf2-sha512";

/// A password's salted hash.
pub(super) fn hash(password: &str) -> Result<Secret, RequestError> {
    let mut salt = [0; SALT_BYTES];
    let random = SystemRandom::new();
    let failed = |_| RequestError::internal("the system gives no random bytes");
    random.fill(&mut salt).map_err(failed)?;
    let hash = derive(ITERATIONS, &salt, password)
        .ok_or_else(|| RequestError::internal("a password could not be hashed"))?;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(Secret(format!("${NAME}$i={ITERATIONS}${salt}${hash}")))
}

/// Whether this is the password of the hash.
pub(super) fn is_of(password: &str, secret: &Secret) -> bool {
    if is_bcrypt(&secret.0) {
        return bcrypt::verify(password, &secret.0).unwrap_or(false);
    }
    let Some(parts) = Parts::read(&secret.0) else { return false };
    let password = password.as_bytes();
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA512;
    pbkdf2::verify(algorithm, parts.iterations, &parts.salt, password, &parts.hash).is_ok()
}

/// A hash that somebody made elsewhere, if passwords can be checked against it.
pub(super) fn given(text: &str) -> Option<Secret> {
    let known = is_bcrypt(text) || Parts::read(text).is_some();
    known.then(|| Secret(text.to_owned()))
}

fn is_bcrypt(text: &str) -> bool {
    let costs = BCRYPT_COST_MIN..=BCRYPT_COST_MAX;
    bcrypt::HashParts::from_str(text).is_ok_and(|parts| costs.contains(&parts.get_cost()))
}

struct Parts {
    iterations: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Parts {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('$')?.split('$');
        let (name, iterations) = (parts.next()?, parts.next()?.strip_prefix("i=")?);
        let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let hash = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
        let iterations: u32 = iterations.parse().ok()?;
        let right = name == NAME
            && parts.next().is_none()
            && iterations <= ITERATIONS_MAX
            && salt.len() >= SALT_BYTES
            && hash.len() == HASH_BYTES;
        let iterations = NonZeroU32::new(iterations)?;
        right.then_some(Self { iterations, salt, hash })
    }
}

fn derive(iterations: u32, salt: &[u8], password: &str) -> Option<[u8; HASH_BYTES]> {
    let mut hash = [0; HASH_BYTES];
    let iterations = NonZeroU32::new(iterations)?;
    let algorithm = pbkdf2::PBKDF2_HMAC_SHA512;
    pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut hash);
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_password_only_and_never_the_same_twice() {
        let (first, second) = (hash("correct horse").unwrap(), hash("correct horse").unwrap());
        assert_ne!(first.0, second.0);
        assert!(is_of("correct horse", &first));
        assert!(!is_of("correct horsf", &first));
        assert!(!is_of("", &first));
        assert_eq!(given(&first.0), Some(first));
    }

    #[test]
    fn a_known_hash_is_read_for_ever() {
        // Made with Python: hashlib.pbkdf2_hmac('sha512', b'secret', b'0123456789abcdef', 1000, 32)
        let text = "$pbkdf2-sha512$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$\
                    vgFvU7zWIDgDAUi7d8ayt+cfRiPWVVWfv8iQRsGZaZs";
        assert!(is_of("secret", &given(text).unwrap()));
    }

    #[test]
    fn a_hash_that_bcrypt_made_is_of_its_password_only() {
        // Made with Python's bcrypt of b'secret', as jBCrypt of Cassandra writes it.
        let made = "$2a$04$0A4iIUfEKG2pO/.6X87yd.HJEYlG4319nQAQ0U6FzJ.uT160BIdZm";
        let secret = given(made).unwrap();
        assert!(is_of("secret", &secret));
        assert!(!is_of("secres", &secret));
        assert!(!is_of("", &secret));
    }

    #[test]
    fn hashes_of_other_kinds_are_of_no_password() {
        for text in [
            "",
            "secret",
            "$2a$31$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUtG",
            "$2a$03$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUtG",
            "$2a$10$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUt",
            "$1$10$JSJEMFm6GeaW9XxT5JIheuEtPvat6i7uKbnTcxX3c1wshIIsGyUtGX",
            "$pbkdf2-sha512$i=0$MDEyMzQ1Njc4OWFiY2RlZg$AAAA",
            "$pbkdf2-sha512$i=4000000000$MDEyMzQ1Njc4OWFiY2RlZg$\
             AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(given(text).is_none(), "{text}");
            assert!(!is_of("secret", &Secret(text.to_owned())), "{text}");
        }
    }
}
