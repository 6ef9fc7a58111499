//! REGISTER: `<string list>` of event kinds.

use crate::EventKind;
use crate::decode::{DecodeError, Reader};
use crate::encode::Writer;

/// Send events of these kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// The kinds, as often as they were named.
    pub events: Vec<EventKind>,
}

impl Register {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let events = reader.string_list()?;
        let kind = |name: String| {
            EventKind::from_name(&name)
                .ok_or(DecodeError::UnknownWord { what: "event type", word: name })
        };
        Ok(Self { events: events.into_iter().map(kind).collect::<Result<_, _>>()? })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        let names: Vec<&str> = self.events.iter().map(|kind| kind.name()).collect();
        writer.string_list(&names);
    }
}
