//! A disk that keeps what was synced, and anything or nothing of the rest.
//!
//! The bytes of a file are safe once the file is synced, its name once its folder is. Of what was
//! done since, each write may be there, be torn or be missing, and each change of a folder may be
//! there or not, in any combination: a rename is one change. This is what POSIX says, and more
//! than any one file system does.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{random::Random, trace::Event};

type Name = OsString;
type Number = usize;

const SECTOR_BYTES: usize = 512;

/// Files and folders below one folder, which is the first node.
pub(crate) struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
}

enum Node {
    File { synced: Vec<u8>, since: Vec<Change> },
    Folder { synced: Names, since: Vec<Step>, now: Names },
}

type Names = BTreeMap<Name, Number>;

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

/// A change of a folder: a name that goes, one that comes, or both.
#[derive(Clone)]
struct Step {
    gone: Option<Name>,
    here: Option<(Name, Number)>,
}

/// How much of what was not synced a cut leaves.
#[derive(Clone, Copy)]
enum Luck {
    Nothing,
    Everything,
    First,
    Any,
}

impl Disk {
    /// A folder with everything in it, all of which is synced.
    pub(crate) fn load(root: &Path) -> Self {
        let mut disk = Self { root: root.to_owned(), nodes: Vec::new() };
        disk.load_folder(root);
        disk
    }

    fn load_folder(&mut self, path: &Path) -> Number {
        let number = self.add(folder());
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let child = if entry.file_type().unwrap().is_dir() {
                self.load_folder(&entry.path())
            } else {
                let synced = fs::read(entry.path()).unwrap();
                self.add(Node::File { synced, since: Vec::new() })
            };
            self.step(number, Step { gone: None, here: Some((entry.file_name(), child)) });
        }
        self.nodes[number].sync();
        number
    }

    /// Does what the process did.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Open { path, empties } => {
                if self.find(path).is_none() {
                    self.make(path, Node::File { synced: Vec::new(), since: Vec::new() });
                }
                if *empties {
                    self.change(path, Change::Resize(0));
                }
            }
            Event::Write { path, offset, bytes } => {
                self.change(path, Change::Write(*offset, bytes.clone()));
            }
            Event::Resize { path, bytes } => self.change(path, Change::Resize(*bytes)),
            Event::Sync { path } => {
                let number = self.existing(path);
                self.nodes[number].sync();
            }
            Event::Rename { from, to } => {
                let (number, (folder, old)) = (self.existing(from), self.place(from));
                let (other, new) = self.place(to);
                assert_eq!(folder, other, "from one folder to another: {from:?}");
                self.step(folder, Step { gone: Some(old), here: Some((new, number)) });
            }
            Event::Remove { path } => {
                let (folder, name) = self.place(path);
                self.step(folder, Step { gone: Some(name), here: None });
            }
            Event::MakeFolder { path } => self.make(path, folder()),
            Event::Note(_) => {}
        }
    }

    /// Writes to an empty folder what is there when the power comes back.
    pub(crate) fn after_power_loss(&self, to: &Path, random: &mut Random) {
        let luck = match random.below(8) {
            0 => Luck::Nothing,
            1 => Luck::Everything,
            2 | 3 => Luck::First,
            _ => Luck::Any,
        };
        self.restore(0, to, luck, random);
    }

    fn restore(&self, number: Number, to: &Path, luck: Luck, random: &mut Random) {
        match &self.nodes[number] {
            Node::File { synced, since } => {
                let mut bytes = synced.clone();
                for change in luck.choose(since, random) {
                    change.tear(luck, random).apply(&mut bytes);
                }
                fs::write(to, bytes).unwrap();
            }
            Node::Folder { synced, since, .. } => {
                let mut names = synced.clone();
                luck.choose(since, random).iter().for_each(|step| step.apply(&mut names));
                fs::create_dir_all(to).unwrap();
                for (name, child) in names {
                    self.restore(child, &to.join(name), luck, random);
                }
            }
        }
    }

    fn add(&mut self, node: Node) -> Number {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn make(&mut self, path: &Path, node: Node) {
        let (folder, name) = self.place(path);
        let number = self.add(node);
        self.step(folder, Step { gone: None, here: Some((name, number)) });
    }

    fn step(&mut self, folder: Number, step: Step) {
        let Node::Folder { since, now, .. } = &mut self.nodes[folder] else {
            panic!("a file as a folder")
        };
        step.apply(now);
        since.push(step);
    }

    fn change(&mut self, path: &Path, change: Change) {
        let number = self.existing(path);
        let Node::File { since, .. } = &mut self.nodes[number] else {
            panic!("a folder: {path:?}")
        };
        since.push(change);
    }

    fn find(&self, path: &Path) -> Option<Number> {
        let inside = path.strip_prefix(&self.root).expect("a path outside");
        inside.iter().try_fold(0, |number, name| match &self.nodes[number] {
            Node::Folder { now, .. } => now.get(name).copied(),
            Node::File { .. } => None,
        })
    }

    fn existing(&self, path: &Path) -> Number {
        self.find(path).unwrap_or_else(|| panic!("{path:?} was never made"))
    }

    fn place(&self, path: &Path) -> (Number, Name) {
        (self.existing(path.parent().unwrap()), path.file_name().unwrap().to_owned())
    }
}

impl Node {
    fn sync(&mut self) {
        match self {
            Self::File { synced, since } => {
                since.drain(..).for_each(|change| change.apply(synced));
            }
            Self::Folder { synced, since, now } => {
                since.clear();
                synced.clone_from(now);
            }
        }
    }
}

fn folder() -> Node {
    Node::Folder { synced: Names::new(), since: Vec::new(), now: Names::new() }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(bytes);
            }
            Self::Resize(bytes) => content.resize(*bytes, 0),
        }
    }

    /// A part of a write: its beginning, or the length with only some of the sectors.
    fn tear(&self, luck: Luck, random: &mut Random) -> Self {
        let Self::Write(offset, bytes) = self else { return self.clone() };
        let mut bytes = bytes.clone();
        if matches!(luck, Luck::First | Luck::Any) {
            match random.below(4) {
                0 => bytes.truncate(random.below(bytes.len() + 1)),
                1 => bytes.chunks_mut(SECTOR_BYTES).for_each(|sector| {
                    if random.below(2) == 0 {
                        sector.fill(0);
                    }
                }),
                _ => {}
            }
        }
        Self::Write(*offset, bytes)
    }
}

impl Step {
    fn apply(&self, names: &mut Names) {
        if let Some(name) = &self.gone {
            names.remove(name);
        }
        if let Some((name, number)) = &self.here {
            names.insert(name.clone(), *number);
        }
    }
}

impl Luck {
    fn choose<T: Clone>(self, changes: &[T], random: &mut Random) -> Vec<T> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Everything => changes.to_vec(),
            Self::First => changes[..random.below(changes.len() + 1)].to_vec(),
            Self::Any => changes.iter().filter(|_| random.below(2) == 0).cloned().collect(),
        }
    }
}
