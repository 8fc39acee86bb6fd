//! Acknowledgements on disk: a line is counted only after the disk has it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::sync::mpsc::Receiver;

/// What was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A draft of an application was opened.
    Draft,
    /// An application was accepted: a case must come into being, in another service, once.
    Accepted,
}

/// One acknowledged write.
pub struct Ack {
    /// What it was.
    pub kind: Kind,
    /// Its request id.
    pub request: String,
    /// The id that it was answered with.
    pub id: String,
}

/// The ids that each request was answered with. One id a request is right; two are a doubled effect.
pub type Answered = BTreeMap<String, Vec<String>>;

/// Where client and parent meet.
pub struct Files {
    /// Where all of them are.
    pub folder: PathBuf,
    /// One acknowledgement a line.
    pub acks: PathBuf,
    /// Its presence ends the load.
    pub stop: PathBuf,
}

impl Files {
    /// In this folder, made where it does not exist.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), acks: folder.join("acks.tsv"), stop: folder.join("stop") })
    }

    /// Writes what comes, all that has gathered with one wait for the disk, until every sender is gone.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn write(&self, mut incoming: Receiver<Ack>) -> anyhow::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.acks)?;
        let mut gathered = Vec::new();
        while incoming.blocking_recv_many(&mut gathered, 256) > 0 {
            let lines: String =
                gathered.drain(..).map(|ack| format!("{:?}\t{}\t{}\n", ack.kind, ack.request, ack.id)).collect();
            file.write_all(lines.as_bytes())?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// What was acknowledged of a kind.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(&self, kind: Kind) -> anyhow::Result<Answered> {
        let mut answered = Answered::new();
        for line in std::fs::read_to_string(&self.acks)?.lines() {
            let mut parts = line.split('\t');
            let mut part = || parts.next().context("a line of the acknowledgements");
            let (of, request, id) = (part()?, part()?, part()?);
            let ids = answered.entry(request.to_owned()).or_default();
            if of == format!("{kind:?}") && !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        answered.retain(|_, ids| !ids.is_empty());
        Ok(answered)
    }
}
