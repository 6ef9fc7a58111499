//! From an index to a message and its rows.

use std::ops::Range;

use crate::date::{DAY_MS, MINUTE_MS};
use crate::draw::{Stream, index_of};
use crate::limits;
use crate::skew::Shuffle;

use super::accounts::{Accounts, Place};
use super::life::Life;
use super::message::{Texts, email, shard, uuid};
use super::{ClaimRow, Message, ProfileRow, Row, Send, Shape, texts};

/// Streams of the seed, one per question, so that a new question changes no old answer.
mod stream {
    pub(super) const ORDER: u64 = 1;
    pub(super) const CAMPAIGN: u64 = 2;
    pub(super) const MESSAGE: u64 = 3;
    pub(super) const LIFE: u64 = 4;
    pub(super) const TEXT: u64 = 5;
    pub(super) const PROFILE: u64 = 6;
    pub(super) const SHARD: u64 = 7;
}

/// Sends start on the hour or half hour, most of them.
const SLOT_MS: i64 = 30 * MINUTE_MS;
const ON_SLOT: f64 = 0.8;
/// A campaign is claimed at ten messages a second, the largest within ten minutes.
const MESSAGE_MS: u64 = 100;
const CAMPAIGN_MAX_MS: u64 = 10 * 60 * 1_000;

/// The address of a row: the message and the place among its [`Message::rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// Index of the message.
    pub message: u64,
    /// Place among the rows of the message.
    pub ordinal: u16,
}

/// The generator for one shape. Cheap to clone next to the work it does; share it by reference.
#[derive(Debug, Clone)]
pub struct Pipeline {
    shape: Shape,
    accounts: Accounts,
    order: Shuffle,
}

impl Pipeline {
    /// Prepares the accounts of a shape.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let accounts = Accounts::new(&shape);
        let order = Shuffle::new(Stream::new(shape.seed, stream::ORDER), shape.messages());
        Self { shape, accounts, order }
    }

    /// The shape it was made from.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// How many messages there are; their indexes are `0..messages()`.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.shape.messages()
    }

    /// The message at an index, with everything that happened to it.
    #[must_use]
    pub fn message(&self, index: u64) -> Message {
        // Neighbouring indexes belong to different accounts and times, so that a load in index
        // order spreads over partitions as a live one does.
        let number = self.order.place(index);
        let send = self.send(number);
        let claim = self.claim(number, &send);
        let events = if send.is_orphan { Vec::new() } else { self.events(number, &send) };
        Message { index, send, claim, events }
    }

    /// The messages of a range of indexes.
    pub fn range(&self, range: Range<u64>) -> impl Iterator<Item = Message> + '_ {
        range.map(|index| self.message(index))
    }

    /// One row by its address; `None` when the message has no row there.
    #[must_use]
    pub fn row(&self, id: RowId) -> Option<Row> {
        (id.message < self.messages())
            .then(|| self.message(id.message).rows().nth(usize::from(id.ordinal)))?
    }

    /// Accounts, whales among them; their ids are `1..=accounts()`.
    #[must_use]
    pub fn accounts(&self) -> u64 {
        self.accounts.count()
    }

    /// Subscribers of an account; their ids are `1..=subscribers(account_id)`.
    #[must_use]
    pub fn subscribers(&self, account_id: u64) -> u64 {
        self.accounts.subscribers(account_id.max(1))
    }

    /// The profile of a subscriber.
    #[must_use]
    pub fn profile(&self, account_id: i64, subscriber_id: i64) -> ProfileRow {
        let stream = Stream::new(self.shape.seed, stream::PROFILE);
        let person = index_of(account_id.unsigned_abs(), subscriber_id.unsigned_abs());
        let text = |what, choices: &[&'static str]| {
            stream.pick(index_of(person, what), choices).to_owned()
        };
        let minutes = i64::try_from(stream.below(index_of(person, 5), 366 * 24 * 60)).unwrap_or(0);
        ProfileRow {
            account_id,
            subscriber_id,
            email: email(account_id, subscriber_id),
            first_name: text(1, &texts::FIRST_NAMES),
            state: text(2, &texts::STATES),
            tags: [text(3, &texts::TAGS), text(4, &texts::TAGS)].into(),
            fields: [("source".to_owned(), "import".to_owned())].into(),
            created_at: self.shape.day0 * DAY_MS - minutes * MINUTE_MS,
        }
    }

    fn send(&self, number: u64) -> Send {
        let place = self.accounts.place(number, self.shape.emails);
        let campaign_stream = Stream::new(self.shape.seed, stream::CAMPAIGN);
        let campaign = index_of(place.account_id, place.campaign);
        let audience_offset = campaign_stream.unit(index_of(campaign, 1));
        let subscriber = self.accounts.subscriber(&place, audience_offset);
        let message = Stream::new(self.shape.seed, stream::MESSAGE);
        let campaign_ms = (place.campaign_messages * MESSAGE_MS).min(CAMPAIGN_MAX_MS);
        let in_campaign_ms = message.below(index_of(number, 1), campaign_ms);
        Send {
            account_id: i64::try_from(place.account_id).unwrap_or(0),
            campaign_id: format!("c{:05}-{:03}", place.account_id, place.campaign),
            campaign_messages: place.campaign_messages,
            shards: place
                .campaign_messages
                .div_ceil(limits::SHARD_MESSAGES)
                .clamp(1, limits::SHARDS_MAX),
            subscriber_id: i64::try_from(subscriber).unwrap_or(0),
            message_id: uuid(message.bits128(index_of(number, 2))),
            claimed_at: self.campaign_start(&place, campaign_stream, campaign)
                + i64::try_from(in_campaign_ms).unwrap_or(0),
            is_orphan: place.orphan,
        }
    }

    /// Campaigns of an account are spread evenly over the days, each at some time of its part.
    fn campaign_start(&self, place: &Place, stream: Stream, campaign: u64) -> i64 {
        let minutes = u64::from(self.shape.days) * 24 * 60;
        let from = minutes * (place.campaign - 1) / place.campaigns.max(1);
        let to = minutes * place.campaign / place.campaigns.max(1);
        let minute = from + stream.below(index_of(campaign, 2), (to - from).max(1));
        let at_ms = i64::try_from(minute).unwrap_or(0) * MINUTE_MS;
        let is_on_slot = stream.chance(index_of(campaign, 3), ON_SLOT);
        let rounded_ms = if is_on_slot { at_ms - at_ms % SLOT_MS } else { at_ms };
        self.shape.day0 * DAY_MS + rounded_ms
    }

    fn claim(&self, number: u64, send: &Send) -> ClaimRow {
        let hash =
            Stream::new(self.shape.seed, stream::SHARD).bits(send.subscriber_id.unsigned_abs());
        let worker = Stream::new(self.shape.seed, stream::MESSAGE).below(index_of(number, 3), 16);
        ClaimRow {
            account_id: send.account_id,
            campaign_id: send.campaign_id.clone(),
            shard: shard(u128::from(hash), send.shards),
            subscriber_id: send.subscriber_id,
            message_id: send.message_id,
            worker: format!("sender-{worker:02}"),
            claimed_at: send.claimed_at,
        }
    }

    fn events(&self, number: u64, send: &Send) -> Vec<super::EventRow> {
        let life = Life::new(Stream::new(self.shape.seed, stream::LIFE), number);
        let text = Stream::new(self.shape.seed, stream::TEXT);
        (0..)
            .zip(life.steps(send.claimed_at))
            .map(|(ordinal, step)| Texts::new(text, number, ordinal).event(send, &step))
            .collect()
    }
}
