//! Who carries notifications out of the house: a provider over HTTP, or, where none is configured, a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use yiwang_kit::config::Mode;
use yiwang_kit::followed::{Followed, Read};
use yiwang_kit::outward::Outward;
use yiwang_kit::{Config, Env};
use yiwang_standards::identity::mask_number;

use super::Channel;

/// One message of a notification.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Unique id: the same message again has the same. Whoever takes it sends it once.
    pub id: String,
    /// How.
    #[serde(skip)]
    pub channel: Channel,
    /// Where to.
    pub to: String,
    /// What it says.
    pub text: String,
}

/// Why a message was not taken, in a word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It is not known to be taken: asked again with the same id.
    #[error("the sender is away: {0}")]
    Away(String),
    /// The sender will never take this message: its number or address is none.
    #[error("the sender refuses the message: {0}")]
    Rejected(String),
}

/// Who takes messages of a channel.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Takes a message; answered, it is the sender's to deliver.
    ///
    /// # Errors
    /// It is not known to be taken, or never will be.
    async fn send(&self, message: &Message) -> Result<(), Unsent>;
}

/// A provider over HTTP: one POST a message, `{id, to, text}`; any success means that it was taken. It sends an id once.
pub struct Provider(Outward);

impl Provider {
    /// At an address; in production over TLS alone.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn new(address: &str, token: Option<String>, https_only: bool) -> anyhow::Result<Self> {
        Ok(Self(Outward::new(address, token, https_only)?))
    }
}

#[async_trait]
impl Sender for Provider {
    async fn send(&self, message: &Message) -> Result<(), Unsent> {
        self.0.ask(message).await.map(drop).map_err(|away| match away.is_rejection() {
            true => Unsent::Rejected(away.0),
            false => Unsent::Away(away.0),
        })
    }
}

/// A folder, for trying out: one file a message, named by its id, so that the same message again is the same file. No number lies
/// open in it.
pub struct Folder(PathBuf);

impl Folder {
    /// A folder of a channel.
    pub fn new(folder: &Path, channel: Channel) -> Self {
        Self(folder.join(channel.name()))
    }
}

#[async_trait]
impl Sender for Folder {
    async fn send(&self, message: &Message) -> Result<(), Unsent> {
        let (folder, path) = (self.0.clone(), self.0.join(format!("{}.json", message.id)));
        let masked = Message { to: mask_number(&message.to), ..message.clone() };
        let written = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
            if path.exists() {
                return Ok(());
            }
            std::fs::create_dir_all(&folder)?;
            // whole or not at all, for whoever looks; a power failure may spoil it, and this folder is for trying out
            let draft = path.with_extension("part");
            std::fs::write(&draft, serde_json::to_vec(&masked)?)?;
            std::fs::rename(&draft, &path)
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Unsent::Away(error.kind().to_string())),
            Err(_) => Err(Unsent::Away("the task was ended".to_owned())),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    sms: Option<Entry>,
    mail: Option<Entry>,
    app: Option<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Where: `https://…`.
    address: String,
    /// Its bearer token, in a file.
    token_file: Option<PathBuf>,
}

/// The senders of this installation, a channel each; a channel without one is not used.
#[derive(Clone)]
pub struct Senders([Option<Arc<dyn Sender>>; 3]);

impl Senders {
    /// The providers of `notifications.toml` in the data folder; in development a folder takes the place of one that is not there.
    ///
    /// Read again when the file or a token changes.
    ///
    /// # Errors
    /// The file is not in order.
    pub fn open(env: &Env, folder: &Path) -> anyhow::Result<Followed<Self>> {
        let (config, folder) = (env.config.clone(), folder.to_owned());
        Followed::open("notifications.toml", move || Self::configured(&config, &folder), env.shutdown.clone())
    }

    fn configured(config: &Config, folder: &Path) -> anyhow::Result<Read<Self>> {
        let mut files = vec![config.outside("notifications.toml")];
        let file: File = match std::fs::read_to_string(&files[0]) {
            Ok(text) => toml::from_str(&text).context("notifications.toml")?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(error) => return Err(error).context("notifications.toml"),
        };
        let production = config.mode == Mode::Production;
        let entries = [&file.sms, &file.mail, &file.app].into_iter().flatten();
        files.extend(entries.filter_map(|entry| entry.token_file.clone()));
        let one = |channel: Channel, entry: Option<Entry>| -> anyhow::Result<Option<Arc<dyn Sender>>> {
            let Some(entry) = entry else {
                return Ok((!production).then(|| Arc::new(Folder::new(folder, channel)) as Arc<dyn Sender>));
            };
            let token = entry.token_file.map(std::fs::read_to_string).transpose().context("token_file")?;
            Ok(Some(Arc::new(Provider::new(&entry.address, token, production)?)))
        };
        let value = Self([one(Channel::Sms, file.sms)?, one(Channel::Mail, file.mail)?, one(Channel::App, file.app)?]);
        Ok(Read { value, files })
    }

    /// Who takes messages of a channel; none where the channel is not used here.
    pub fn of(&self, channel: Channel) -> Option<&Arc<dyn Sender>> {
        let place = Channel::ALL.iter().position(|one| *one == channel)?;
        self.0.get(place)?.as_ref()
    }
}
