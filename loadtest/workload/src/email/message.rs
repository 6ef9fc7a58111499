//! One message: who sends it to whom and when, its rows, and the texts in them.
//!
//! Guarantees: a redelivered event has the identity of the first delivery; two events never share
//! one. No text contains a bar, so that canonical rows are unambiguous.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::date;
use crate::draw::{Stream, index_of};

use super::life::Step;
use super::{ClaimRow, EventKind, EventRow, Row, SuppressionRow, texts};

/// The sending of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Account that sends, from 1.
    pub account_id: i64,
    /// Campaign of that account.
    pub campaign_id: String,
    /// Messages of this campaign.
    pub campaign_messages: u64,
    /// Shards of this campaign in `send_claim` and, per day, in `events`.
    pub shards: u64,
    /// Subscriber of that account, from 1.
    pub subscriber_id: i64,
    /// The message.
    pub message_id: Uuid,
    /// When it was claimed, milliseconds.
    pub claimed_at: i64,
    /// Nothing follows the claim.
    pub is_orphan: bool,
}

/// A message with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its index in the pipeline.
    pub index: u64,
    /// Who sends it to whom and when.
    pub send: Send,
    /// Its claim.
    pub claim: ClaimRow,
    /// Its events, in the order in which they were decided, which is nearly that of time.
    pub events: Vec<EventRow>,
}

impl Message {
    /// All rows of the message: the claim, its events, and its rows of the timeline.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        let events = self.events.iter().map(|event| Row::Event(Box::new(event.clone())));
        let timeline = self.events.iter().filter_map(EventRow::timeline).map(Row::Timeline);
        std::iter::once(Row::Claim(self.claim.clone())).chain(events).chain(timeline)
    }

    /// The suppression that follows from the message, if the subscriber left or complained; a
    /// complaint outranks.
    #[must_use]
    pub fn suppression(&self) -> Option<SuppressionRow> {
        let of = |kind| self.events.iter().find(|event| event.event == kind);
        let event = of(EventKind::Spamreport).or_else(|| of(EventKind::Unsubscribe))?;
        Some(SuppressionRow {
            account_id: event.account_id,
            subscriber_id: event.subscriber_id,
            reason: event.event,
            since: event.event_ts,
        })
    }
}

/// The draws that texts of events are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts {
    stream: Stream,
    message: u64,
    ordinal: u64,
}

impl Texts {
    pub(super) const fn new(stream: Stream, message: u64, ordinal: u64) -> Self {
        Self { stream, message, ordinal }
    }

    /// The row of a step of this message.
    pub(super) fn event(self, send: &Send, step: &Step) -> EventRow {
        let short_id = URL_SAFE_NO_PAD.encode(send.message_id.as_bytes());
        let mut row = EventRow {
            account_id: send.account_id,
            campaign_id: send.campaign_id.clone(),
            day: date::day_of_ms(step.at_ms),
            shard: shard(send.message_id.as_u128(), send.shards),
            event: step.kind,
            event_ts: step.at_ms,
            sg_event_id: self.event_id(send.account_id, &short_id, step),
            message_id: send.message_id,
            subscriber_id: send.subscriber_id,
            sg_message_id: Some(format!("{short_id}.recvd-{}-1.0", send.account_id % 97)),
            email: email(send.account_id, send.subscriber_id),
            attempt: None,
            reason: None,
            response: None,
            status: None,
            bounce_type: None,
            bounce_class: None,
            url: None,
            url_index: None,
            ip: None,
            useragent: None,
            machine_open: None,
            tls: None,
            category: self.category(send),
            args: self.args(send),
        };
        self.fill(&mut row, step);
        row
    }

    fn fill(self, row: &mut EventRow, step: &Step) {
        match step.kind {
            EventKind::Dropped => row.reason = Some(self.pick(1, &texts::DROP_REASONS)),
            EventKind::Deferred => {
                let text = self.pick(2, &texts::DEFERRALS);
                row.attempt = Some(step.attempt);
                row.response = Some(text.clone());
                row.reason = Some(text);
                row.ip = (!self.chance(3, 0.1)).then(|| self.server_ip());
            }
            EventKind::Delivered => {
                row.response = Some("250 2.0.0 OK DMARC:Quarantine".to_owned());
                row.ip = Some(self.server_ip());
                row.tls = Some(!self.chance(4, 0.03));
            }
            EventKind::Bounce => self.bounce(row, step.blocked),
            EventKind::Open => {
                row.machine_open = Some(step.machine);
                self.client(row, step.machine);
            }
            EventKind::Click => {
                let link = self.draw(6) % 12;
                row.url_index = i16::try_from(link).ok();
                row.url = Some(format!("https://a{}.example.com/l/{link}", row.account_id));
                self.client(row, false);
            }
            EventKind::Processed | EventKind::Spamreport | EventKind::Unsubscribe => {}
        }
    }

    fn bounce(self, row: &mut EventRow, is_blocked: bool) {
        let choices = if is_blocked { &texts::BLOCKS } else { &texts::BOUNCES };
        let (status, reason, class) = self.stream.pick(self.index(7), choices);
        row.status = Some(status.to_owned());
        row.reason = Some(reason.to_owned());
        row.bounce_class = Some(class.to_owned());
        row.bounce_type = Some(if is_blocked { "blocked" } else { "bounce" }.to_owned());
        // A tenth comes back asynchronously, as a message of its own: no connection, no name.
        if self.chance(8, 0.1) {
            row.sg_message_id = None;
        } else {
            row.ip = Some(self.server_ip());
            row.tls = Some(!self.chance(4, 0.03));
        }
    }

    fn client(self, row: &mut EventRow, is_machine: bool) {
        row.ip = Some(self.client_ip());
        row.useragent = Some(if is_machine {
            self.pick(9, &texts::MACHINE_USER_AGENTS)
        } else {
            self.pick(9, &texts::USER_AGENTS)
        });
    }

    /// Delivery events have a name made of what they are; engagement has a random one.
    fn event_id(self, account_id: i64, short_id: &str, step: &Step) -> String {
        let user = 10_000_000 + account_id;
        let kind = match step.kind {
            EventKind::Processed => "processed".to_owned(),
            EventKind::Dropped => "drop".to_owned(),
            EventKind::Deferred => format!("deferred-{}", step.attempt),
            EventKind::Delivered => "delivered-0".to_owned(),
            EventKind::Bounce => "bounce-0".to_owned(),
            EventKind::Open | EventKind::Click | EventKind::Spamreport | EventKind::Unsubscribe => {
                let id = uuid(self.stream.bits128(self.index(10)));
                return URL_SAFE_NO_PAD.encode(id.to_string());
            }
        };
        URL_SAFE_NO_PAD.encode(format!("{kind}-{user}-{short_id}-0"))
    }

    fn category(self, send: &Send) -> BTreeSet<String> {
        let first = self.stream.pick(index_of(hash(&send.campaign_id), 11), &texts::TAGS);
        let second = self.stream.pick(index_of(hash(&send.campaign_id), 12), &texts::TAGS);
        BTreeSet::from([first.to_owned(), second.to_owned()])
    }

    fn args(self, send: &Send) -> BTreeMap<String, String> {
        let variant = if send.message_id.as_u128() & 1 == 0 { "a" } else { "b" };
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        BTreeMap::from([pair("kind", "broadcast"), pair("variant", variant)])
    }

    fn server_ip(self) -> IpAddr {
        // 192.0.2.0/24 is reserved for documentation.
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, self.byte(13)))
    }

    fn client_ip(self) -> IpAddr {
        if self.chance(14, 0.3) {
            // So is 2001:db8::/32.
            let low = u16::from(self.byte(15));
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, u16::from(self.byte(16)), 0, 0, 0, 0, low))
        } else {
            IpAddr::V4(Ipv4Addr::new(203, 0, 113, self.byte(17)))
        }
    }

    fn byte(self, what: u64) -> u8 {
        u8::try_from(self.draw(what) & 0xff).unwrap_or(0)
    }

    fn pick(self, what: u64, choices: &[&'static str]) -> String {
        self.stream.pick(self.index(what), choices).to_owned()
    }

    fn chance(self, what: u64, probability: f64) -> bool {
        self.stream.chance(self.index(what), probability)
    }

    fn draw(self, what: u64) -> u64 {
        self.stream.bits(self.index(what))
    }

    fn index(self, what: u64) -> u64 {
        index_of(index_of(self.message, self.ordinal), what)
    }
}

/// The address of a subscriber.
pub(super) fn email(account_id: i64, subscriber_id: i64) -> String {
    let domain = usize::try_from(subscriber_id % 3).ok().and_then(|at| texts::DOMAINS.get(at));
    format!("s{subscriber_id}.a{account_id}@{}", domain.unwrap_or(&"example.com"))
}

/// The shard of something by its hash.
pub(super) fn shard(hash: u128, shards: u64) -> i16 {
    i16::try_from(hash % u128::from(shards.max(1))).unwrap_or(0)
}

/// A uuid of version 8 (made by a rule of one's own) from 128 bits.
pub(super) fn uuid(bits: u128) -> Uuid {
    uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid()
}

fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}
