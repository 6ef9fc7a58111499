//! Checks names and passwords. A check takes a tenth of a second of a core, so it runs beside the
//! event loop, only so many at once, and a password that was right is remembered for a while, as a
//! keyed digest over it and the hash it was checked against: a new password ends that at once.

use std::{fmt, sync::Arc, time::Duration};

use cellar_metadata_api::{Catalog, Secret};
use moka::sync::Cache;
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use tokio::sync::Semaphore;

use super::{Login, Who, password};
use crate::error::RequestError;

/// Checks that run at once; others wait for their turn.
const CHECKS_MAX: usize = 4;
/// How long a password that was right is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Passwords remembered.
const REMEMBERED_MAX: u64 = 10_000;
/// What passwords of names that do not exist are checked against, so that they take as long.
const NOBODY: &str = "$pbkdf2-sha512$i=210000$AAAAAAAAAAAAAAAAAAAAAA$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether clients must say who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// No: everybody may do everything, and permissions are kept without effect.
    #[default]
    None,
    /// Yes, by name and password; then permissions hold.
    Password,
}

/// How clients are let in.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessOptions {
    /// Whether clients must say who they are.
    pub authentication: Authentication,
    /// The password that the first superuser, `cassandra`, is made with.
    pub superuser_password: String,
}

impl Default for AccessOptions {
    fn default() -> Self {
        let authentication = Authentication::default();
        Self { authentication, superuser_password: "cassandra".to_owned() }
    }
}

impl fmt::Debug for AccessOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessOptions")
            .field("authentication", &self.authentication)
            .finish_non_exhaustive()
    }
}

/// Lets clients of one frontend in.
#[derive(Clone)]
pub struct Access {
    authentication: Authentication,
    /// Logins by digest of what was right.
    right: Cache<[u8; 32], Arc<Login>>,
    key: Arc<hmac::Key>,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("authentication", &self.authentication).finish()
    }
}

impl Access {
    pub(crate) fn new(authentication: Authentication) -> Result<Self, RequestError> {
        let mut key = [0; 32];
        let failed = |_| RequestError::internal("the system gives no random bytes");
        SystemRandom::new().fill(&mut key).map_err(failed)?;
        let right = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(REMEMBERED).build();
        Ok(Self {
            authentication,
            right,
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &key)),
            turns: Arc::new(Semaphore::new(CHECKS_MAX)),
        })
    }

    /// Who a client is that has said nothing yet; none if it must say it first.
    pub(crate) fn unasked(&self) -> Option<Who> {
        match self.authentication {
            Authentication::None => Some(Who::Anybody),
            Authentication::Password => None,
        }
    }

    /// The role of this name, if this is its password and it may log in.
    pub(crate) async fn login(
        &self,
        catalog: &Catalog,
        name: &str,
        password: &str,
    ) -> Result<Who, RequestError> {
        let refused = |message: String| RequestError::BadCredentials { message };
        let role = catalog.roles.get(name);
        let secret = role.and_then(|role| role.secret.as_ref());
        let login = self.check(name, secret, password).await?.ok_or_else(|| {
            refused(format!("Provided username {name} and/or password are incorrect"))
        })?;
        if !role.is_some_and(|role| role.login) {
            return Err(refused(format!("{name} is not permitted to log in")));
        }
        Ok(Who::Role(login))
    }

    async fn check(
        &self,
        name: &str,
        secret: Option<&Secret>,
        password: &str,
    ) -> Result<Option<Arc<Login>>, RequestError> {
        let Some(secret) = secret else {
            // As long as a wrong password takes, so that names cannot be guessed by the clock.
            let password = password.to_owned();
            let nobody = Secret(NOBODY.to_owned());
            self.beside(move || password::is_of(&password, &nobody)).await?;
            return Ok(None);
        };
        let digest = self.digest(name, secret, password);
        if let Some(login) = self.right.get(&digest) {
            return Ok(Some(login));
        }
        let (against, password) = (secret.clone(), password.to_owned());
        if !self.beside(move || password::is_of(&password, &against)).await? {
            return Ok(None);
        }
        let login = Arc::new(Login::new(name.to_owned()));
        self.right.insert(digest, Arc::clone(&login));
        Ok(Some(login))
    }

    /// The salted hash of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<Secret, RequestError> {
        self.beside(move || password::hash(&password)).await?
    }

    /// Runs what takes long beside the event loop, when it is its turn.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RequestError> {
        let stopping = || RequestError::unavailable("the process is stopping");
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| stopping())?;
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|_| stopping())
    }

    fn digest(&self, name: &str, secret: &Secret, password: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        // A NUL is in none of the parts.
        context.update(name.as_bytes());
        context.update(&[0]);
        context.update(secret.0.as_bytes());
        context.update(&[0]);
        context.update(password.as_bytes());
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

#[cfg(test)]
mod tests {
    use cellar_metadata_api::{Role, Update};

    use super::*;

    fn catalog(roles: Vec<(&str, Role)>) -> Catalog {
        let roles =
            roles.into_iter().map(|(name, role)| (name.to_owned(), Some(Arc::new(role)))).collect();
        Catalog::default().apply(Update { version: 1, full: true, roles, ..Update::default() })
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_role_with_login_lets_in() {
        let access = Access::new(Authentication::Password).unwrap();
        let secret = Some(access.hash("right".to_owned()).await.unwrap());
        let user = Role { login: true, secret: secret.clone(), ..Role::default() };
        let closed = Role { secret, ..Role::default() };
        let bare = Role { login: true, ..Role::default() };
        let catalog = catalog(vec![("user", user), ("closed", closed), ("bare", bare)]);
        assert!(access.unasked().is_none());
        for (name, password, words) in [
            ("user", "wrong", "Provided username user and/or password are incorrect"),
            ("nobody", "right", "Provided username nobody and/or password are incorrect"),
            ("bare", "right", "Provided username bare and/or password are incorrect"),
            ("closed", "right", "closed is not permitted to log in"),
        ] {
            let refused = access.login(&catalog, name, password).await.unwrap_err();
            assert_eq!(refused.to_string(), words);
        }
        // Twice, because the second time it is remembered.
        for _ in 0..2 {
            let who = access.login(&catalog, "user", "right").await.unwrap();
            assert_eq!(who.name(), Some("user"));
        }
    }

    #[tokio::test]
    async fn a_remembered_password_is_wrong_once_it_was_changed() {
        let access = Access::new(Authentication::Password).unwrap();
        let mut user = Role { login: true, ..Role::default() };
        user.secret = Some(access.hash("old".to_owned()).await.unwrap());
        let before = catalog(vec![("user", user.clone())]);
        assert!(access.login(&before, "user", "old").await.is_ok());
        user.secret = Some(access.hash("new".to_owned()).await.unwrap());
        let after = catalog(vec![("user", user)]);
        assert!(access.login(&after, "user", "old").await.is_err());
        assert!(access.login(&after, "user", "new").await.is_ok());
    }

    #[test]
    fn names_that_do_not_exist_are_checked_against_a_hash_of_the_usual_cost() {
        assert!(password::given(NOBODY).is_some());
    }
}
