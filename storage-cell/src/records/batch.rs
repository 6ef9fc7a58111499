//! A batch over several cells that was begun here and is not known to be ended: what the other
//! cells are still to apply.

use bytes::{Buf, Bytes};
use cellar_cell_api::BatchStamp;
use cellar_schema::Mutation;

use super::{RecordError, VERSION};

/// A batch that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BegunBatch {
    /// Its time.
    pub(crate) stamp: BatchStamp,
    /// The version of the catalog that it was begun by.
    pub(crate) catalog: u64,
    /// What other cells are to apply, as the sender gave it.
    pub(crate) others: Vec<Mutation>,
}

impl BegunBatch {
    /// The stored form.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let length = |count: usize| u32::try_from(count).map_err(wrong);
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.stamp.timestamp_us.to_le_bytes());
        bytes.extend_from_slice(&self.stamp.now_seconds.to_le_bytes());
        bytes.extend_from_slice(&self.catalog.to_le_bytes());
        bytes.extend_from_slice(&length(self.others.len())?.to_le_bytes());
        for mutation in &self.others {
            let mutation = mutation.encode();
            bytes.extend_from_slice(&length(mutation.len())?.to_le_bytes());
            bytes.extend_from_slice(&mutation);
        }
        Ok(bytes)
    }

    /// Reads the stored form.
    pub(crate) fn decode(mut bytes: Bytes) -> Result<Self, RecordError> {
        match bytes.try_get_u8().map_err(wrong)? {
            VERSION => {}
            version => return Err(wrong(format!("version {version} is unknown"))),
        }
        let stamp = BatchStamp {
            timestamp_us: bytes.try_get_i64_le().map_err(wrong)?,
            now_seconds: bytes.try_get_i64_le().map_err(wrong)?,
        };
        let catalog = bytes.try_get_u64_le().map_err(wrong)?;
        let mut others = Vec::new();
        for _ in 0..bytes.try_get_u32_le().map_err(wrong)? {
            let length = usize::try_from(bytes.try_get_u32_le().map_err(wrong)?).map_err(wrong)?;
            if length > bytes.len() {
                return Err(wrong("it ends early"));
            }
            others.push(Mutation::decode(bytes.split_to(length)).map_err(wrong)?);
        }
        if bytes.is_empty() {
            Ok(Self { stamp, catalog, others })
        } else {
            Err(wrong("bytes after the last mutation"))
        }
    }
}

fn wrong(reason: impl ToString) -> RecordError {
    RecordError::new("batch over several cells", reason)
}

#[cfg(test)]
mod tests {
    use cellar_schema::{Change, ChangeKind};
    use proptest::prelude::*;

    use super::*;

    /// As written by the first version that had batches.
    const OLD: &str = "01070000000000000008000000000000000900000000000000010000000d000000\
                       0109706172746974696f6e0100";

    fn batch(partitions: Vec<Vec<u8>>, (timestamp_us, now_seconds): (i64, i64)) -> BegunBatch {
        let changes =
            |timestamp_us| vec![Change { timestamp_us, kind: ChangeKind::DeletePartition }];
        let mutation = |(n, partition): (usize, Vec<u8>)| Mutation {
            partition: Bytes::from(partition),
            changes: changes((n % 2 == 1).then_some(timestamp_us)),
        };
        let others = partitions.into_iter().enumerate().map(mutation).collect();
        BegunBatch { stamp: BatchStamp { timestamp_us, now_seconds }, catalog: 9, others }
    }

    #[test]
    fn a_batch_of_the_first_version_is_read() {
        let fixture = batch(vec![b"partition".to_vec()], (7, 8));
        let byte = |at| u8::from_str_radix(&OLD[at..at + 2], 16).unwrap();
        let old: Vec<u8> = (0..OLD.len()).step_by(2).map(byte).collect();
        assert_eq!(BegunBatch::decode(Bytes::from(old.clone())), Ok(fixture.clone()));
        assert_eq!(fixture.encode(), Ok(old));
    }

    proptest! {
        #[test]
        fn a_batch_reads_back_and_a_cut_one_is_an_error(
            partitions in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..5),
            times in any::<(i64, i64)>(),
            at in any::<prop::sample::Index>(),
        ) {
            let batch = batch(partitions, times);
            let bytes = Bytes::from(batch.encode().unwrap());
            prop_assert_eq!(BegunBatch::decode(bytes.clone()), Ok(batch));
            prop_assert!(BegunBatch::decode(bytes.slice(..at.index(bytes.len()))).is_err());
            let longer = Bytes::from([&bytes[..], &[0]].concat());
            prop_assert!(BegunBatch::decode(longer).is_err());
        }
    }
}
