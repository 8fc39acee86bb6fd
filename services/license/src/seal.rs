//! 签章密钥: the SM2 key that signs licences, from the configured file, or in development made once and kept in the service's
//! folder. Its public half is written beside it as `issuer.pem`, for everybody who verifies without this service.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use yiwang_kit::{Config, entropy, keys};
use yiwang_standards::sm::{SealSigner, SigningKey};

/// What signs, behind the trait that an HSM implements too.
#[derive(Clone)]
pub struct Seal {
    signer: Arc<dyn SealSigner>,
    /// Id of the key.
    pub key_id: String,
    /// Its public half, PEM.
    pub pem: String,
}

impl Seal {
    /// Over a signer.
    ///
    /// # Errors
    /// A public key that cannot be written as PEM.
    pub fn new(signer: Arc<dyn SealSigner>) -> anyhow::Result<Self> {
        let public = signer.public_key();
        let (key_id, pem) = (public.key_id(), public.to_pem()?);
        Ok(Self { signer, key_id, pem })
    }

    /// The installation's key.
    ///
    /// # Errors
    /// No key file in production; a file that is no SM2 key.
    pub fn open(config: &Config, folder: &Path) -> anyhow::Result<Self> {
        let pem = match &config.security.seal_key_file {
            Some(file) => fs::read(file).with_context(|| format!("security.seal_key_file {}", file.display()))?.into(),
            None if config.is_production() => bail!("security.seal_key_file is needed in production"),
            None => keys::once(&folder.join("seal-key.pem"), || {
                let key = SigningKey::from_seed(&entropy::random());
                Ok(key.to_pem()?.as_bytes().to_vec())
            })?,
        };
        let text = std::str::from_utf8(&pem).context("the seal key is not PEM")?;
        let seal = Self::new(Arc::new(SigningKey::from_pem(text).context("the seal key is no SM2 key")?))?;
        seal.export(folder)?;
        Ok(seal)
    }

    fn export(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let target = folder.join("issuer.pem");
        if fs::read_to_string(&target).is_ok_and(|known| known == self.pem) {
            return Ok(());
        }
        let draft = folder.join(format!(".issuer-{}", entropy::new_request_id()));
        fs::write(&draft, &self.pem)?;
        fs::rename(&draft, &target)?;
        Ok(())
    }

    /// Signs exactly these bytes; the signature is DER.
    ///
    /// # Errors
    /// The device's, when it cannot sign now.
    pub fn sign(&self, payload: &[u8]) -> anyhow::Result<Vec<u8>> {
        Ok(self.signer.sign(payload)?.to_der())
    }
}
