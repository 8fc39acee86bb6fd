//! Tokens that are none, and callers who may not.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::table::Table;
use crate::world::{PLAIN, World};

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    tokens(world, table).await?;
    roles(world, table).await
}

/// A real token taken apart, with the key that signed it: the development issuer's, in the data folder.
struct Forge {
    header: Header,
    claims: Value,
    key: Vec<u8>,
    token: String,
}

impl Forge {
    fn new(world: &World) -> anyhow::Result<Self> {
        let token = world.server.token("citizen")?;
        let body = token.split('.').nth(1).context("a token has three parts")?;
        let claims = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body)?)?;
        let key = std::fs::read(world.folder.path().join("data/dev-issuer.pk8"))?;
        Ok(Self { header: jsonwebtoken::decode_header(&token)?, claims, key, token })
    }

    fn with(&self, member: &str, value: Value) -> anyhow::Result<String> {
        let mut claims = self.claims.clone();
        claims[member] = value;
        Ok(encode(&self.header, &claims, &EncodingKey::from_ed_der(&self.key))?)
    }

    /// The real claims without a signature.
    fn unsigned(&self) -> anyhow::Result<String> {
        let header = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "typ": "JWT" }).to_string());
        Ok(format!("{header}.{}.", self.token.split('.').nth(1).context("a token has three parts")?))
    }

    /// Signed with the public key's bytes as if they were a secret, the classic confusion of algorithms.
    fn symmetric(&self) -> anyhow::Result<String> {
        let header = Header { kid: self.header.kid.clone(), ..Header::new(Algorithm::HS256) };
        Ok(encode(&header, &self.claims, &EncodingKey::from_secret(b"public"))?)
    }

    /// Another role than the one that was signed.
    fn tampered(&self) -> anyhow::Result<String> {
        let mut claims = self.claims.clone();
        claims["roles"] = json!(["clerk"]);
        let parts: Vec<&str> = self.token.split('.').collect();
        let body = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        Ok(format!("{}.{body}.{}", parts[0], parts.get(2).context("a signature")?))
    }
}

async fn tokens(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let forge = Forge::new(world)?;
    let cases = [
        ("token that is no token", "abc".to_owned(), "TOKEN_MALFORMED"),
        ("expired token", forge.with("exp", json!(1_700_000_000))?, "TOKEN_EXPIRED"),
        ("token for another audience", forge.with("aud", json!("another-suite"))?, "TOKEN_AUDIENCE"),
        ("token of another issuer", forge.with("iss", json!("https://elsewhere.example"))?, "TOKEN_ISSUER"),
        ("token of the day after tomorrow", forge.with("nbf", json!(4_000_000_000_u64))?, "TOKEN_EXPIRED"),
        ("token whose signature is `none`", forge.unsigned()?, "TOKEN_ALGORITHM"),
        ("token signed with another algorithm", forge.symmetric()?, "TOKEN_ALGORITHM"),
        ("token with a role that was not signed", forge.tampered()?, "TOKEN_SIGNATURE"),
    ];
    table.http("no token", &world.nobody.get("/v1/applications").await?, 401, "TOKEN_MISSING");
    for (case, token, reason) in cases {
        table.http(case, &world.nobody.with_token(&token).get("/v1/me/affairs").await?, 401, reason);
    }
    Ok(())
}

async fn roles(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let body = json!({ "requestId": world.id(), "itemCode": PLAIN });
    let answer = world.trader.post("/v1/applications", &body).await?;
    table.http("officer who is no window clerk opens an application", &answer, 403, "ACTION_NOT_PERMITTED");
    let id = world.submitted().await?;
    let answer = world.verb(&world.citizen, &id, "accept", json!({})).await?;
    table.http("citizen accepts his own application", &answer, 403, "ACTION_NOT_PERMITTED");
    let notice = json!({ "requestId": world.id(), "title": "公告", "content": "内容" });
    let answer = world.citizen.post("/v1/notices", &notice).await?;
    table.http("citizen publishes a notice", &answer, 403, "ACTION_NOT_PERMITTED");
    let rows = json!({ "requestId": world.id(), "rows": [] });
    let answer = world.clerk.post("/v1/items:import", &rows).await?;
    table.http("clerk imports a catalogue", &answer, 403, "ACTION_NOT_PERMITTED");
    Ok(())
}
