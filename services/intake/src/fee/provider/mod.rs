//! 支付机构、财政电子票据: who takes the money and issues the receipt. All is asked by our own numbers: the same number is the same
//! order, however often it is asked, so that to place an order and to ask how it stands are one question.

mod demonstration;
mod http;

use std::sync::Arc;

use anyhow::bail;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yiwang_kit::config::Mode;
use yiwang_kit::followed::{Followed, Read};
pub use yiwang_kit::outward::Away;
use yiwang_kit::{Config, Env};

pub use self::demonstration::Demonstration;
pub use self::http::PaymentDesk;

/// A payment that is asked for. Nothing about the payer stands in it.
#[derive(Clone, Debug)]
pub struct Order {
    /// Our order number.
    pub number: String,
    /// 缴款通知编号.
    pub bill: String,
    /// What is asked for, 分.
    pub fen: i64,
    /// What for: the item's name.
    pub title: String,
    /// 实施主体编码: who charges.
    pub organisation: String,
}

/// How a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nobody knows yet.
    Waiting {
        /// Where the payer pays; may be empty.
        pay_url: String,
        /// The provider's reference; may be empty.
        reference: String,
    },
    /// Paid.
    Paid {
        /// How much, 分.
        fen: i64,
        /// The provider's reference.
        reference: String,
        /// It is with the treasury.
        remitted: bool,
    },
    /// It came to nothing.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Said {
    /// In a word, for a person.
    pub fn word(&self) -> String {
        match self {
            Said::Waiting { .. } => "未缴".to_owned(),
            Said::Paid { fen, .. } => format!("已缴{fen}分"),
            Said::Failed { reason } => format!("失败：{reason}"),
        }
    }
}

/// A refund that is asked for.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    /// Our number of it.
    pub number: String,
    /// Our number of the payment.
    pub payment: String,
    /// How much, 分.
    pub fen: i64,
}

/// How a refund stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaidOfRefund {
    /// Nobody knows yet.
    Waiting,
    /// It went back.
    Paid {
        /// How much, 分.
        fen: i64,
        /// The provider's reference.
        reference: String,
    },
    /// It could not.
    Failed {
        /// Why.
        reason: String,
    },
}

impl SaidOfRefund {
    /// In a word, for a person.
    pub fn word(&self) -> String {
        match self {
            SaidOfRefund::Waiting => "未退".to_owned(),
            SaidOfRefund::Paid { fen, .. } => format!("已退{fen}分"),
            SaidOfRefund::Failed { reason } => format!("失败：{reason}"),
        }
    }
}

/// 电子票据.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// 票据号码.
    pub number: String,
    /// 票据代码, or whatever else it is verified by.
    pub code: String,
    /// Where it is read.
    pub url: String,
}

/// Who takes the money.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What it is called: kept with each order, which nobody else is asked about.
    fn name(&self) -> &str;

    /// Places an order, or says how the one of that number stands.
    ///
    /// # Errors
    /// The provider is away; whether the order was placed is not known.
    async fn pay(&self, order: &Order) -> Result<Said, Away>;

    /// Places a refund, or says how the one of that number stands.
    ///
    /// # Errors
    /// As [`Provider::pay`].
    async fn refund(&self, order: &RefundOrder) -> Result<SaidOfRefund, Away>;

    /// The receipt of a payment, which is made when it is first asked for; none while there is none.
    ///
    /// # Errors
    /// As [`Provider::pay`].
    async fn receipt(&self, order: &Order) -> Result<Option<Receipt>, Away>;
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Entry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What it is called; its address where nothing stands. It stays as it is when the same provider moves.
    name: Option<String>,
    /// Where: `https://…`; absent for the demonstration.
    address: Option<String>,
    /// Its bearer token, in a file.
    token_file: Option<std::path::PathBuf>,
}

/// The provider of `payments.toml` in the data folder. Where there is no such file: in development the demonstration, which takes no
/// money; in production none, and nothing is paid online.
///
/// Read again when the file or the token changes.
///
/// # Errors
/// The file is not in order, or wants the demonstration in production.
pub fn open(env: &Env) -> anyhow::Result<Followed<Option<Arc<dyn Provider>>>> {
    let config = env.config.clone();
    Followed::open("payments.toml", move || configured(&config), env.shutdown.clone())
}

/// What `payments.toml` in the data folder says; without it the demonstration, and in production nobody.
///
/// # Errors
/// The file is not in order, or wants the demonstration in production.
pub fn configured(config: &Config) -> anyhow::Result<Read<Option<Arc<dyn Provider>>>> {
    use anyhow::Context as _;
    let production = config.mode == Mode::Production;
    let mut files = vec![config.outside("payments.toml")];
    let text = match std::fs::read_to_string(&files[0]) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let value = (!production).then(|| Arc::new(Demonstration) as Arc<dyn Provider>);
            return Ok(Read { value, files });
        }
        Err(error) => return Err(error).context("payments.toml"),
    };
    let entry = toml::from_str::<File>(&text).context("payments.toml")?.provider;
    files.extend(entry.token_file.clone());
    let token = entry.token_file.map(std::fs::read_to_string).transpose().context("payments.toml: token_file")?;
    let value: Option<Arc<dyn Provider>> = match entry.address {
        Some(address) => {
            let name = entry.name.unwrap_or_else(|| address.clone());
            Some(Arc::new(PaymentDesk::new(name, &address, token, production)?))
        }
        None if production => {
            bail!("payments.toml：生产环境不得使用演示支付 / the demonstration takes no money: not in production")
        }
        None => Some(Arc::new(Demonstration)),
    };
    Ok(Read { value, files })
}
