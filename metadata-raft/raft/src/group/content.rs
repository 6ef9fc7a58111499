//! The bytes of a snapshot: as they have come, and not yet read where they are sent from.

use std::{fmt, io, iter};

use bytes::{Bytes, BytesMut};

use super::in_background;
use crate::{
    limits::SNAPSHOT_PIECE_BYTES,
    machine::{Pieces, Received},
};

/// What openraft hands from the machine to the network, and from the network to the machine.
pub(crate) enum Content {
    /// None of it is ever looked at: openraft only asks how far the machine is durable.
    Nothing,
    /// As it has come.
    Received(Received),
    /// To be read while it is sent.
    Pieces(Pieces),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Received(received) => received.fmt(f),
            Self::Pieces(_) => f.write_str("bytes that are not read yet"),
        }
    }
}

impl Content {
    /// What has come.
    ///
    /// # Errors
    /// It was made here.
    pub(crate) fn received(self) -> io::Result<Received> {
        match self {
            Self::Received(received) => Ok(received),
            Self::Nothing | Self::Pieces(_) => Err(io::Error::other("a snapshot of this node")),
        }
    }

    /// Its pieces, as the machine makes them.
    pub(crate) fn into_pieces(self) -> Pieces {
        match self {
            Self::Nothing => Box::new(iter::empty()),
            Self::Received(received) => received.pieces(),
            Self::Pieces(pieces) => pieces,
        }
    }
}

/// Pieces of the size in which they are sent.
pub(crate) struct Parcels {
    /// None while, and after, a read that failed.
    pieces: Option<Pieces>,
    read: BytesMut,
}

impl Parcels {
    pub(crate) fn new(content: Content) -> Self {
        Self { pieces: Some(content.into_pieces()), read: BytesMut::new() }
    }

    /// The next one, and whether it is the last; a last one always comes and may be empty.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) async fn next(&mut self) -> io::Result<(Bytes, bool)> {
        let mut ended = false;
        if self.read.len() <= SNAPSHOT_PIECE_BYTES {
            let mut pieces = self.pieces.take().ok_or_else(|| io::Error::other("no more"))?;
            let mut read = std::mem::take(&mut self.read);
            let reading = move || {
                while read.len() <= SNAPSHOT_PIECE_BYTES {
                    match pieces.next() {
                        Some(piece) => read.extend_from_slice(&piece?),
                        None => return Ok((pieces, read, true)),
                    }
                }
                io::Result::Ok((pieces, read, false))
            };
            let (pieces, read, end) = in_background(reading).await.map_err(io::Error::other)??;
            (self.pieces, self.read, ended) = (Some(pieces), read, end);
        }
        let bytes = self.read.split_to(self.read.len().min(SNAPSHOT_PIECE_BYTES)).freeze();
        Ok((bytes, ended && self.read.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::MachineError;

    async fn parcels(sizes: &[usize]) -> io::Result<Vec<usize>> {
        let mut next = 0_u8;
        let pieces: Vec<Result<Bytes, MachineError>> = sizes
            .iter()
            .map(|size| {
                next = next.wrapping_add(1);
                Ok(Bytes::from(vec![next; *size]))
            })
            .collect();
        let mut parcels = Parcels::new(Content::Pieces(Box::new(pieces.into_iter())));
        let mut found = Vec::new();
        loop {
            let (bytes, last) = parcels.next().await?;
            found.push(bytes.len());
            if last {
                return Ok(found);
            }
        }
    }

    #[tokio::test]
    async fn parcels_are_full_but_for_the_last_and_hold_everything() {
        const FULL: usize = SNAPSHOT_PIECE_BYTES;
        assert_eq!(parcels(&[]).await.unwrap(), [0]);
        assert_eq!(parcels(&[1, 2, 3]).await.unwrap(), [6]);
        assert_eq!(parcels(&[FULL]).await.unwrap(), [FULL]);
        assert_eq!(parcels(&[FULL, 1]).await.unwrap(), [FULL, 1]);
        assert_eq!(parcels(&[FULL * 3 + 5, FULL]).await.unwrap(), [FULL, FULL, FULL, FULL, 5]);
        assert_eq!(parcels(&[7, FULL * 2 - 7]).await.unwrap(), [FULL, FULL]);
    }

    #[tokio::test]
    async fn a_piece_that_cannot_be_read_is_an_error_and_never_an_end() {
        let pieces = [Ok(Bytes::from_static(b"a")), Err(MachineError::new("damaged"))];
        let mut parcels = Parcels::new(Content::Pieces(Box::new(pieces.into_iter())));
        assert!(parcels.next().await.is_err());
        assert!(parcels.next().await.is_err());
    }
}
