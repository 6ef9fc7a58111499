//! Who sends what to whom: a message's account, campaign, place in it, and subscriber.
//!
//! Guarantees: no subscriber is twice in a campaign; an account's share follows Zipf 1.1; within
//! an account, subscribers are addressed as near to Zipf 0.8 as one message per campaign permits.

use crate::skew::{Audience, Shares};

use super::Shape;

/// Exponent of the accounts' shares.
const ACCOUNT_EXPONENT: f64 = 1.1;
/// Messages a subscriber gets in 24 months, on average, from accounts that are large enough.
const MESSAGES_PER_SUBSCRIBER: u64 = 50;
const MONTHS_24_DAYS: u64 = 731;
/// Subscribers of the smallest lists; with fewer, a campaign would be a handful of messages.
const SUBSCRIBERS_MIN: u64 = 200;

/// One account: its list and how its messages fall into campaigns.
#[derive(Debug, Clone, Copy)]
struct Account {
    messages: u64,
    subscribers: u64,
    campaign_messages: u64,
    full: Audience,
    last: Audience,
}

impl Account {
    fn new(messages: u64, days: u32) -> Self {
        let in_24_months = messages.saturating_mul(MONTHS_24_DAYS) / u64::from(days).max(1);
        let floor = SUBSCRIBERS_MIN.min(messages);
        let subscribers = (in_24_months / MESSAGES_PER_SUBSCRIBER).max(floor).max(1);
        Self::with(messages, subscribers, (subscribers * 3 / 5).max(1))
    }

    /// One campaign to everybody.
    fn whole(messages: u64) -> Self {
        Self::with(messages, messages.max(1), messages.max(1))
    }

    fn with(messages: u64, subscribers: u64, campaign_messages: u64) -> Self {
        Self {
            messages,
            subscribers,
            campaign_messages,
            full: Audience::new(subscribers, campaign_messages),
            last: Audience::new(subscribers, messages % campaign_messages),
        }
    }

    const fn campaigns(&self) -> u64 {
        self.messages.div_ceil(self.campaign_messages)
    }
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1.
    pub(super) account_id: u64,
    /// From 1.
    pub(super) campaign: u64,
    /// Campaigns of the account.
    pub(super) campaigns: u64,
    /// Messages of this campaign.
    pub(super) campaign_messages: u64,
    /// Place in the campaign, from 0.
    pub(super) place: u64,
    /// Nothing follows the claim.
    pub(super) orphan: bool,
}

/// All accounts of a shape.
#[derive(Debug, Clone)]
pub(super) struct Accounts {
    shares: Shares,
    ordinary: Vec<Account>,
    whales: u64,
    whale: Account,
    orphans: Account,
}

impl Accounts {
    pub(super) fn new(shape: &Shape) -> Self {
        let shares = Shares::zipf(shape.emails, shape.accounts, ACCOUNT_EXPONENT);
        let ordinary =
            (0..shares.ranks()).map(|rank| Account::new(shares.of(rank), shape.days)).collect();
        Self {
            shares,
            ordinary,
            whales: u64::from(shape.whales),
            whale: Account::whole(shape.whale_emails),
            orphans: Account::whole(shape.orphans),
        }
    }

    /// The place of a message by its number: ordinary ones first, then whales, then orphans.
    pub(super) fn place(&self, number: u64, emails: u64) -> Place {
        let Some(behind) = number.checked_sub(emails) else {
            let (rank, inner) = self.shares.owner(number);
            let account = self.ordinary.get(rank).unwrap_or(&self.orphans);
            return Self::inside(account, id(rank), inner);
        };
        let whale_messages = self.whales * self.whale.messages;
        if let Some(inner) = behind.checked_sub(whale_messages) {
            // Orphans are one more campaign of the first account.
            let campaigns = self.ordinary.first().map_or(0, Account::campaigns) + 1;
            let place = Self::inside(&self.orphans, 1, inner);
            return Place { campaign: campaigns, campaigns, orphan: true, ..place };
        }
        let whale = behind / self.whale.messages.max(1);
        let account_id = id(self.ordinary.len()) + whale;
        Self::inside(&self.whale, account_id, behind % self.whale.messages.max(1))
    }

    fn inside(account: &Account, account_id: u64, inner: u64) -> Place {
        let campaign = inner / account.campaign_messages;
        let before = campaign * account.campaign_messages;
        Place {
            account_id,
            campaign: campaign + 1,
            campaigns: account.campaigns(),
            campaign_messages: account
                .campaign_messages
                .min(account.messages.saturating_sub(before)),
            place: inner - before,
            orphan: false,
        }
    }

    /// The subscriber (from 1) at a place; `offset` in `0.0..1.0` belongs to the campaign.
    pub(super) fn subscriber(&self, place: &Place, offset: f64) -> u64 {
        let account = self.account(place.account_id, place.orphan);
        let is_full = place.campaign_messages == account.campaign_messages;
        let audience = if is_full { &account.full } else { &account.last };
        audience.rank(place.place, offset) + 1
    }

    /// Subscribers of an account.
    pub(super) fn subscribers(&self, account_id: u64) -> u64 {
        self.account(account_id, false).subscribers
    }

    /// Accounts of all kinds.
    pub(super) fn count(&self) -> u64 {
        id(self.ordinary.len()) - 1 + self.whales
    }

    fn account(&self, account_id: u64, orphan: bool) -> &Account {
        if orphan {
            return &self.orphans;
        }
        let rank = usize::try_from(account_id - 1).unwrap_or(usize::MAX);
        self.ordinary.get(rank).unwrap_or(&self.whale)
    }
}

fn id(rank: usize) -> u64 {
    u64::try_from(rank).map_or(u64::MAX, |rank| rank + 1)
}
