//! Which member of the metadata group a process is: its place in the list of the settings, kept
//! in its folder at the first start (see `FORMAT.md`).
//!
//! Guarantees: a folder never becomes that of another member, whatever the settings say later; two
//! members with one number, or one with two, would vote twice.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, bail};

/// Name of the file in the folder of the metadata service.
const FILE: &str = "member";
/// First word of the file.
const VERSION: &str = "v1";

/// A member and its group, as they are told to the service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Membership {
    /// This member; counted from 1 in the order of the list.
    pub(super) number: u64,
    /// Every member's address.
    pub(super) members: BTreeMap<u64, String>,
}

impl Membership {
    /// A group of this member alone.
    pub(super) fn alone(address: &str) -> Self {
        Self { number: 1, members: BTreeMap::from([(1, address.to_owned())]) }
    }

    /// The member that is reached by `address`. A list of one is this member, however it is
    /// written: `localhost` and `0.0.0.0` are common there.
    pub(super) fn of_list(list: &[String], address: &str) -> anyhow::Result<Self> {
        if list.len() < 2 {
            return Ok(Self::alone(address));
        }
        let members: BTreeMap<u64, String> = (1..).zip(list.iter().cloned()).collect();
        let found = members.iter().find(|(_, member)| *member == address);
        let Some((number, _)) = found else {
            bail!(
                "this process is reached by {address} (--advertise, else --listen), which is none \
                 of the members in --metadata: {}",
                list.join(",")
            );
        };
        Ok(Self { number: *number, members })
    }

    /// The member that a process is whose folder and settings are these. One with a number of its
    /// own that the list does not give it joins a service that runs: it waits to be added.
    pub(super) fn of(
        list: &[String],
        address: &str,
        number: Option<u64>,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let listed = Self::of_list(list, address);
        let number = match (number, &listed) {
            (Some(number), Ok(listed)) if listed.number == number => None,
            (Some(number), _) => Some(number),
            // It joined earlier, and the list is that of before.
            (None, Err(_)) => kept(folder)?,
            (None, Ok(_)) => None,
        };
        match number {
            Some(number) => Ok(Self { number, members: BTreeMap::new() }),
            None => listed,
        }
    }

    /// Keeps the number in the folder, or makes sure that it is the one kept there.
    pub(super) fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        match kept(folder)? {
            Some(kept) => {
                if kept != self.number {
                    bail!(
                        "{} is that of member {kept} of the metadata service, and the settings \
                         make this process member {}: keep the order of --metadata, or give \
                         --member",
                        folder.display(),
                        self.number
                    );
                }
                Ok(())
            }
            None => {
                let path = folder.join(FILE);
                write(folder, &path, &encode(self.number))
                    .with_context(|| format!("cannot write {}", path.display()))
            }
        }
    }
}

/// The number kept in a folder, if one is.
fn kept(folder: &Path) -> anyhow::Result<Option<u64>> {
    let path = folder.join(FILE);
    let shown = path.display();
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(decode(&text).with_context(|| format!("{shown} is damaged"))?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
    }
}

fn write(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = File::create(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}

fn encode(number: u64) -> String {
    let body = format!("{VERSION} {number}");
    format!("{body} {:08x}\n", crc32fast::hash(body.as_bytes()))
}

/// The number in a text that [`encode`] made.
fn decode(text: &str) -> Option<u64> {
    let (body, checksum) = text.strip_suffix('\n')?.rsplit_once(' ')?;
    let whole = u32::from_str_radix(checksum, 16).ok()? == crc32fast::hash(body.as_bytes());
    let number = body.strip_prefix(VERSION)?.trim_start().parse().ok()?;
    whole.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<String> {
        ["a:1", "b:1", "c:1"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_member_is_the_one_reached_by_its_own_address() {
        assert_eq!(Membership::of_list(&list(), "b:1").unwrap().number, 2);
        let error = Membership::of_list(&list(), "d:1").unwrap_err().to_string();
        assert!(error.contains("d:1") && error.contains("a:1,b:1,c:1"), "{error}");
        let one = Membership::of_list(&["localhost:7100".to_owned()], "127.0.0.1:7100");
        assert_eq!(one.unwrap(), Membership::alone("127.0.0.1:7100"));
    }

    #[test]
    fn a_folder_stays_that_of_its_member_whatever_the_list_says_later() {
        let folder = tempfile::tempdir().unwrap();
        Membership::of_list(&list(), "b:1").unwrap().keep(folder.path()).unwrap();
        Membership::of_list(&list(), "b:1").unwrap().keep(folder.path()).unwrap();
        let mut other = list();
        other.reverse();
        other.rotate_left(1);
        let moved = Membership::of_list(&other, "b:1").unwrap();
        let error = moved.keep(folder.path()).unwrap_err().to_string();
        assert!(error.contains("member 2") && error.contains("member 1"), "{error}");
    }

    #[test]
    fn a_member_with_a_number_of_its_own_joins_and_knows_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let of = |address, number| Membership::of(&list(), address, number, folder.path());
        assert!(of("d:1", None).is_err());
        let joins = of("d:1", Some(4)).unwrap();
        assert_eq!(joins, Membership { number: 4, members: BTreeMap::new() });
        joins.keep(folder.path()).unwrap();
        assert_eq!(of("d:1", None).unwrap(), joins);
        assert!(of("a:1", Some(1)).unwrap().keep(folder.path()).is_err());
        assert_eq!(of("a:1", Some(1)).unwrap().members.len(), 3, "as the list says");
    }

    #[test]
    fn a_damaged_file_is_refused() {
        assert_eq!(decode(&encode(5)), Some(5));
        for damaged in ["", "v1 5\n", "v1 5 00000000\n", &encode(5).replace('5', "4")] {
            assert_eq!(decode(damaged), None, "{damaged:?}");
        }
    }
}
