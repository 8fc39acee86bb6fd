//! 快递企业: who carries parcels. A parcel is asked for by our own number: the same number is the same parcel, however often it is
//! asked, so that to hand it over and to ask where it is are one question.

mod demonstration;
mod http;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use serde::Deserialize;
use yiwang_kit::config::Mode;
use yiwang_kit::followed::{Followed, Read};
pub use yiwang_kit::outward::Away;
use yiwang_kit::{Config, Env};
use yiwang_ledger::Timestamp;

pub use self::demonstration::Demonstration;
pub use self::http::CarrierDesk;

/// A parcel. The carrier needs to know whom it goes to, and nothing of the matter.
#[derive(Clone, Debug)]
pub struct Order {
    /// Our number.
    pub number: String,
    /// 收件人.
    pub name: String,
    /// Telephone.
    pub phone: String,
    /// Address.
    pub address: String,
}

/// One thing that the carrier saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// How a parcel stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// On its way.
    UnderWay {
        /// 运单号; may be empty.
        tracking: String,
        /// All that was seen.
        moves: Vec<Seen>,
    },
    /// 妥投.
    Delivered {
        /// Who signed; may be empty.
        signed_by: String,
        /// All that was seen.
        moves: Vec<Seen>,
    },
    /// 退回.
    Returned {
        /// Why.
        reason: String,
        /// All that was seen.
        moves: Vec<Seen>,
    },
    /// 丢失.
    Lost {
        /// What the carrier says.
        reason: String,
        /// All that was seen.
        moves: Vec<Seen>,
    },
}

impl Said {
    /// All that was seen.
    pub fn moves(&self) -> &[Seen] {
        match self {
            Said::UnderWay { moves, .. }
            | Said::Delivered { moves, .. }
            | Said::Returned { moves, .. }
            | Said::Lost { moves, .. } => moves,
        }
    }
}

/// Who carries parcels.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// What it is called: kept with each parcel, which nobody else is asked about.
    fn name(&self) -> &str;

    /// Hands a parcel over, or says where the one of that number is.
    ///
    /// # Errors
    /// The carrier is away; whether it has the order is not known.
    async fn ship(&self, order: &Order) -> Result<Said, Away>;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    carrier: Entry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What it is called; its address where nothing stands. It stays as it is when the same carrier moves.
    name: Option<String>,
    /// Where: `https://…`; absent for the demonstration.
    address: Option<String>,
    /// Its bearer token, in a file.
    token_file: Option<std::path::PathBuf>,
}

/// The carrier of `carriers.toml` in the data folder. Where there is no such file: in development the demonstration, which carries
/// nothing; in production none, and nothing is posted through the platform.
///
/// Read again when the file or the token changes.
///
/// # Errors
/// The file is not in order, or wants the demonstration in production.
pub fn open(env: &Env) -> anyhow::Result<Followed<Option<Arc<dyn Carrier>>>> {
    let config = env.config.clone();
    Followed::open("carriers.toml", move || configured(&config), env.shutdown.clone())
}

/// What `carriers.toml` in the data folder says; without it the demonstration, and in production nobody.
///
/// # Errors
/// The file is not in order, or wants the demonstration in production.
pub fn configured(config: &Config) -> anyhow::Result<Read<Option<Arc<dyn Carrier>>>> {
    let production = config.mode == Mode::Production;
    let mut files = vec![config.outside("carriers.toml")];
    let text = match std::fs::read_to_string(&files[0]) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let value = (!production).then(|| Arc::new(Demonstration) as Arc<dyn Carrier>);
            return Ok(Read { value, files });
        }
        Err(error) => return Err(error).context("carriers.toml"),
    };
    let entry = toml::from_str::<File>(&text).context("carriers.toml")?.carrier;
    files.extend(entry.token_file.clone());
    let token = entry.token_file.map(std::fs::read_to_string).transpose().context("carriers.toml: token_file")?;
    let value: Option<Arc<dyn Carrier>> = match entry.address {
        Some(address) => {
            let name = entry.name.unwrap_or_else(|| address.clone());
            Some(Arc::new(CarrierDesk::new(name, &address, token, production)?))
        }
        None if production => {
            bail!("carriers.toml：生产环境不得使用演示寄递 / the demonstration carries nothing: not in production")
        }
        None => Some(Arc::new(Demonstration)),
    };
    Ok(Read { value, files })
}
