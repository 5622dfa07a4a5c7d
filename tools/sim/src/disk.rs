//! What may be on a disk after the power failed: the model of part (b).
//!
//! **Data of a file.** What was written before the last completed `fsync` or `fdatasync` of the
//! file is there. Of what was written later there may be: nothing; everything; the first writes up
//! to any one, that one torn at a sector of 512 bytes; or every page of 4 KiB as it was at a moment
//! of its own, with the length the file had at any moment. Pages that never arrived read as before,
//! or as zeros.
//!
//! **Names.** Making, renaming and removing names takes place in one order, as in the journal of
//! ext4 (and of XFS): after a loss of power the first so many of them have happened. Those up to
//! the last change of a folder are there once the folder was synced; a name is also there once the
//! file it was made for was synced. A rename happens wholly or not at all, and says nothing about
//! the data of the file.
//!
//! **Not modelled:** synced data that is damaged (that is what the damage tests do), file systems
//! that reorder the changes of different folders, disks that lie about syncing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::dice::Dice;
use crate::tape::Record;

const SECTOR: u64 = 512;
const PAGE: u64 = 4096;

/// A change of a file's data, as the place of its record on the tape.
type Change = usize;

type NodeId = usize;

#[derive(Debug)]
enum Node {
    Folder(BTreeMap<String, NodeId>),
    File {
        changes: Vec<Change>,
        /// How many of them are on the disk for certain.
        synced: usize,
    },
}

/// A change of names.
#[derive(Debug)]
enum Naming {
    Add { folder: NodeId, name: String, node: NodeId },
    Remove { folder: NodeId, name: String },
    Rename { from: (NodeId, String), to: (NodeId, String) },
}

/// The disk at one place of a tape.
pub struct Disk<'t> {
    tape: &'t [Record],
    nodes: Vec<Node>,
    handles: HashMap<u32, NodeId>,
    namings: Vec<Naming>,
    /// How many of them have happened for certain.
    certain: usize,
    syncing: Syncing,
    /// Handles whose syncs do nothing.
    feigned: HashSet<u32>,
}

/// What a disk does when it is told to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncing {
    /// What it should.
    Done,
    /// Nothing, for the files whose name ends so: no engine can live with that, so a simulation
    /// that finds no fault with it is broken itself.
    Feigned(&'static str),
}

impl<'t> Disk<'t> {
    /// An empty disk.
    fn new(tape: &'t [Record], syncing: Syncing) -> Disk<'t> {
        let nodes = vec![Node::Folder(BTreeMap::new())];
        Disk {
            tape,
            nodes,
            handles: HashMap::new(),
            namings: Vec::new(),
            certain: 0,
            syncing,
            feigned: HashSet::new(),
        }
    }

    /// The disk at the end of a tape.
    ///
    /// # Errors
    ///
    /// A tape that cannot have happened, as when the recorder missed a call.
    pub fn at(tape: &'t [Record], syncing: Syncing) -> Result<Disk<'t>> {
        let mut disk = Disk::new(tape, syncing);
        for (place, record) in tape.iter().enumerate() {
            disk.play(place, record).with_context(|| format!("record {place}: {record:.200?}"))?;
        }
        Ok(disk)
    }

    fn play(&mut self, place: usize, record: &Record) -> Result<()> {
        match record {
            Record::Open { handle, created, truncated, path } => {
                if matches!(self.syncing, Syncing::Feigned(end) if path.ends_with(end)) {
                    self.feigned.insert(*handle);
                }
                let node = if *created {
                    self.add(path, Node::File { changes: Vec::new(), synced: 0 })?
                } else {
                    self.find(path)?
                };
                self.handles.insert(*handle, node);
                if *truncated {
                    self.change(node, place)?;
                }
            }
            Record::Write { handle, .. } | Record::Truncate { handle, .. } => {
                let node = *self.handles.get(handle).context("an unknown handle")?;
                self.change(node, place)?;
            }
            Record::Sync { handle } if self.feigned.contains(handle) => {}
            Record::Sync { handle } => {
                self.sync(*self.handles.get(handle).context("an unknown handle")?);
            }
            Record::MakeFolder(path) => {
                self.add(path, Node::Folder(BTreeMap::new()))?;
            }
            Record::Remove(path) => {
                let (folder, name) = self.parent(path)?;
                self.name(Naming::Remove { folder, name })?;
            }
            Record::Rename(from, to) => {
                let (from, to) = (self.parent(from)?, self.parent(to)?);
                self.name(Naming::Rename { from, to })?;
            }
            Record::Mark(_) => {}
        }
        Ok(())
    }

    fn change(&mut self, node: NodeId, place: usize) -> Result<()> {
        match &mut self.nodes[node] {
            Node::File { changes, .. } => changes.push(place),
            Node::Folder(_) => bail!("data in a folder"),
        }
        Ok(())
    }

    fn sync(&mut self, synced_node: NodeId) {
        if let Node::File { changes, synced } = &mut self.nodes[synced_node] {
            *synced = changes.len();
        }
        let concerns = |naming: &Naming| match naming {
            Naming::Add { folder, node, .. } => *folder == synced_node || *node == synced_node,
            Naming::Remove { folder, .. } => *folder == synced_node,
            Naming::Rename { from, to } => from.0 == synced_node || to.0 == synced_node,
        };
        if let Some(last) = self.namings.iter().rposition(concerns) {
            self.certain = self.certain.max(last + 1);
        }
    }

    fn name(&mut self, naming: Naming) -> Result<()> {
        apply(&mut self.nodes, &naming)?;
        self.namings.push(naming);
        Ok(())
    }

    fn add(&mut self, path: &str, node: Node) -> Result<NodeId> {
        let (folder, name) = self.parent(path)?;
        let id = self.nodes.len();
        self.nodes.push(node);
        self.name(Naming::Add { folder, name, node: id })?;
        Ok(id)
    }

    fn find(&self, path: &str) -> Result<NodeId> {
        let mut node = 0;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let Node::Folder(entries) = &self.nodes[node] else { bail!("{path} is in no folder") };
            node = *entries.get(name).with_context(|| format!("{path} is not there"))?;
        }
        Ok(node)
    }

    fn parent(&self, path: &str) -> Result<(NodeId, String)> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.find(folder)?, name.to_owned()))
    }

    /// Writes everything that happened into the folder `root`, as if the power had stayed.
    ///
    /// # Errors
    ///
    /// What the operating system reports.
    pub fn write_whole(&self, root: &Path) -> Result<()> {
        self.write(root, &self.nodes, &mut |changes, _| self.image(changes))
    }

    /// Writes one of the states that a loss of power can leave into the folder `root`.
    ///
    /// # Errors
    ///
    /// What the operating system reports.
    pub fn write_lost(&self, root: &Path, dice: &mut Dice) -> Result<()> {
        let open = (self.namings.len() - self.certain) as u64;
        let happened = match dice.below(3) {
            0 => 0,
            1 => open,
            _ => dice.below(open + 1),
        };
        let happened = self.certain + usize::try_from(happened)?;
        let mut nodes: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            nodes.push(match node {
                Node::Folder(_) => Node::Folder(BTreeMap::new()),
                Node::File { changes, synced } => {
                    Node::File { changes: changes.clone(), synced: *synced }
                }
            });
        }
        for naming in &self.namings[..happened] {
            apply(&mut nodes, naming)?;
        }
        self.write(root, &nodes, &mut |changes, synced| self.lost_image(changes, synced, dice))
    }

    fn write(
        &self,
        root: &Path,
        nodes: &[Node],
        image: &mut impl FnMut(&[Change], usize) -> Image,
    ) -> Result<()> {
        let mut open = vec![(root.to_path_buf(), 0)];
        while let Some((path, node)) = open.pop() {
            match &nodes[node] {
                Node::Folder(entries) => {
                    fs::create_dir_all(&path)?;
                    open.extend(entries.iter().map(|(name, node)| (path.join(name), *node)));
                }
                Node::File { changes, synced } => image(changes, *synced).write(&path)?,
            }
        }
        Ok(())
    }

    fn image(&self, changes: &[Change]) -> Image {
        let mut image = Image::default();
        changes.iter().for_each(|change| image.apply(&self.tape[*change], u64::MAX));
        image
    }

    fn lost_image(&self, changes: &[Change], synced: usize, dice: &mut Dice) -> Image {
        let (certain, open) = changes.split_at(synced);
        let mut image = self.image(certain);
        if open.is_empty() {
            return image;
        }
        let shrinks = open.iter().any(|change| !matches!(self.tape[*change], Record::Write { .. }));
        match dice.below(if shrinks { 3 } else { 5 }) {
            0 => image,
            1 => self.image(changes),
            2 => {
                let kept = dice.below(open.len() as u64) as usize;
                open[..kept].iter().for_each(|change| image.apply(&self.tape[*change], u64::MAX));
                let sectors = dice.below(20);
                image.apply(&self.tape[open[kept]], sectors * SECTOR);
                image
            }
            _ => {
                // Every page from a moment of its own.
                let mut moments = vec![image];
                for change in open {
                    let mut next = moments[moments.len() - 1].clone();
                    next.apply(&self.tape[*change], u64::MAX);
                    moments.push(next);
                }
                let mut any = || dice.below(moments.len() as u64) as usize;
                let length = moments[any()].length;
                let places: Vec<u64> = moments[open.len()].pages.keys().copied().collect();
                let mut image = Image { length, pages: BTreeMap::new() };
                for place in places.into_iter().filter(|place| place * PAGE < length) {
                    if let Some(page) = moments[any()].pages.get(&place) {
                        image.pages.insert(place, page.clone());
                    }
                }
                image.cut();
                image
            }
        }
    }
}

fn apply(nodes: &mut [Node], naming: &Naming) -> Result<()> {
    match naming {
        Naming::Add { folder, name, node } => {
            let old = entries(nodes, *folder)?.insert(name.clone(), *node);
            ensure!(old.is_none(), "{name} was there already");
        }
        Naming::Remove { folder, name } => {
            entries(nodes, *folder)?
                .remove(name)
                .with_context(|| format!("{name} was not there"))?;
        }
        Naming::Rename { from: (folder, name), to } => {
            let node = entries(nodes, *folder)?.remove(name);
            let node = node.with_context(|| format!("{name} was not there"))?;
            entries(nodes, to.0)?.insert(to.1.clone(), node);
        }
    }
    Ok(())
}

fn entries(nodes: &mut [Node], folder: NodeId) -> Result<&mut BTreeMap<String, NodeId>> {
    match &mut nodes[folder] {
        Node::Folder(entries) => Ok(entries),
        Node::File { .. } => bail!("a name in a file"),
    }
}

/// Contents of a file, holes left out.
#[derive(Clone, Default)]
struct Image {
    length: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE as usize]>>,
}

impl Image {
    /// Applies a change; of a write only what lies before the `sectors` bytes after the sector in
    /// which it begins.
    fn apply(&mut self, record: &Record, sectors: u64) {
        match record {
            Record::Write { offset, bytes, .. } => {
                let torn = (offset / SECTOR * SECTOR).saturating_add(sectors);
                let kept = torn.saturating_sub(*offset).min(bytes.len() as u64);
                self.put(*offset, &bytes[..kept as usize]);
            }
            Record::Truncate { length, .. } => {
                self.length = *length;
                self.cut();
            }
            Record::Open { .. } => *self = Image::default(),
            _ => {}
        }
    }

    fn put(&mut self, offset: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let within = (at % PAGE) as usize;
            let (now, later) = rest.split_at(rest.len().min(PAGE as usize - within));
            let page = self.pages.entry(at / PAGE).or_insert_with(|| Box::new([0; PAGE as usize]));
            page[within..within + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            rest = later;
        }
        if !bytes.is_empty() {
            self.length = self.length.max(at);
        }
    }

    /// Forgets what lies behind the end.
    fn cut(&mut self) {
        let length = self.length;
        self.pages.retain(|place, _| place * PAGE < length);
        if let Some(page) = self.pages.get_mut(&(length / PAGE)) {
            page[(length % PAGE) as usize..].fill(0);
        }
    }

    fn write(&self, path: &Path) -> Result<()> {
        let file = File::create(path)?;
        file.set_len(self.length)?;
        for (place, page) in &self.pages {
            let end = (self.length - place * PAGE).min(PAGE) as usize;
            file.write_all_at(&page[..end], place * PAGE)?;
        }
        Ok(())
    }
}
