//! The words in events: what mail servers, mail programs and vendors write.

/// Programs that open and click, shortened real ones.
pub(super) const USER_AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/124.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; rv:125.0) Gecko/20100101 Thunderbird/115.10.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
];

/// What fetches images before a person sees them.
pub(super) const MACHINE_USER_AGENTS: [&str; 2] = [
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
];

/// Why the vendor drops.
pub(super) const DROP_REASONS: [&str; 7] = [
    "Bounced Address",
    "Unsubscribed Address",
    "Spam Reporting Address",
    "Invalid",
    "Invalid SMTPAPI header",
    "Spam Content",
    "Recipient List over Package Quota",
];

/// Status, reason and class of a bounce.
pub(super) const BOUNCES: [(&str, &str, &str); 3] = [
    (
        "5.1.1",
        "550 5.1.1 The email account that you tried to reach does not exist",
        "Invalid Address",
    ),
    (
        "5.2.2",
        "552 5.2.2 The email account that you tried to reach is over quota",
        "Mailbox Unavailable",
    ),
    ("5.4.4", "unable to get mx info: failed to get IPs from PTR record", "Technical"),
];

/// The same of a block.
pub(super) const BLOCKS: [(&str, &str, &str); 3] = [
    ("5.7.1", "550 5.7.1 Message rejected due to the reputation of the sending IP", "Reputation"),
    ("5.7.1", "554 5.7.1 Message content rejected", "Content"),
    ("4.7.0", "421 4.7.0 Too many messages from this address", "Frequency or Volume Too High"),
];

/// Why a server defers.
pub(super) const DEFERRALS: [&str; 3] = [
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly",
    "421 4.7.0 Try again later, closing connection",
    "451 4.7.1 Greylisting in action, please come back later",
];

/// Domains reserved for examples.
pub(super) const DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// First names of subscribers.
pub(super) const FIRST_NAMES: [&str; 8] =
    ["Ada", "Björn", "Chidi", "Dolores", "Emre", "Farah", "Grace", "Hiro"];

/// States of a subscriber, the first by far the most frequent.
pub(super) const STATES: [&str; 10] = [
    "active",
    "active",
    "active",
    "active",
    "active",
    "active",
    "active",
    "active",
    "inactive",
    "cancelled",
];

/// Tags and categories.
pub(super) const TAGS: [&str; 6] =
    ["newsletter", "launch", "course", "podcast", "customer", "weekly"];
