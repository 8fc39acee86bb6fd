//! The load in a process of its own, so that its memory of acknowledgements is not the server's.

use std::path::PathBuf;
use std::sync::Arc;

use yiwang_tests::api::Api;
use yiwang_tests::doors::Doors;
use yiwang_tests::load::{Amount, Load, People, acks::Files};

/// The load.
#[derive(clap::Args)]
pub struct Client {
    /// Where a gateway listens, over all its lives.
    #[arg(long, required = true)]
    base: Vec<String>,
    /// Where acknowledgements go.
    #[arg(long)]
    folder: PathBuf,
    /// Writers at once.
    #[arg(long)]
    writers: usize,
    /// Whose drafts they are.
    #[arg(long, env = "YIWANG_CITIZEN")]
    citizen: String,
    /// Who accepts.
    #[arg(long, env = "YIWANG_CLERK")]
    clerk: String,
}

impl Client {
    pub async fn run(self) -> anyhow::Result<()> {
        let files = Arc::new(Files::in_folder(&self.folder)?);
        let doors = Doors::unasked(self.base.iter().map(|base| Api::new(base)).collect());
        let people = People { citizen: doors.with_token(&self.citizen), clerk: doors.with_token(&self.clerk) };
        let amount = Amount { writers: self.writers, ..Amount::default() };
        Load::begin(&people, &files, amount).until_told().await
    }
}
