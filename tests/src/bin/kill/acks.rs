//! Acknowledgements on disk: a line is counted only after the disk has it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::sync::mpsc::Receiver;

/// One acknowledged write.
pub struct Ack {
    pub request: String,
    pub id: String,
}

/// Where client and parent meet.
pub struct Files {
    pub folder: PathBuf,
    /// One acknowledgement a line.
    pub acks: PathBuf,
    /// Its presence ends the load.
    pub stop: PathBuf,
}

impl Files {
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), acks: folder.join("acks.tsv"), stop: folder.join("stop") })
    }

    /// Writes what comes, all that has gathered with one wait for the disk, until every sender is gone.
    pub fn write(&self, mut incoming: Receiver<Ack>) -> anyhow::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.acks)?;
        let mut gathered = Vec::new();
        while incoming.blocking_recv_many(&mut gathered, 256) > 0 {
            let lines: String = gathered.drain(..).map(|ack| format!("{}\t{}\n", ack.request, ack.id)).collect();
            file.write_all(lines.as_bytes())?;
            file.sync_data()?;
        }
        Ok(())
    }

    /// The ids that each request was answered with. One id a request is right; two are a doubled effect.
    pub fn read(&self) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
        let mut answered: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in std::fs::read_to_string(&self.acks)?.lines() {
            let (request, id) = line.split_once('\t').context("a line of the acknowledgements")?;
            let ids = answered.entry(request.to_owned()).or_default();
            if !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
        Ok(answered)
    }
}
