//! The desk at which a service hands its documents out: reading, drawing, verifying. Who may read what was decided before it is
//! asked.

use yiwang_kit::config::DocumentsConfig;
use yiwang_kit::timestamp;
use yiwang_ledger::{Hash, Ledger, Refusal, StreamId};
use yiwang_proto::document::v1 as pb;
use yiwang_standards::{identity, sm};

use crate::book::{self, Ask, Issued};
use crate::draft::{Draft, Matter};
use crate::font::Fonts;
use crate::kind::Kind;
use crate::layout::Size;
use crate::pdf::{PdfError, render};
use crate::text::Text;

/// A service's desk.
#[derive(Clone)]
pub struct Desk {
    ledger: Ledger,
    fonts: Fonts,
    verified_at: String,
}

/// A document that a flow calls for.
#[derive(Clone, Debug)]
pub struct Order {
    /// The application or case that it is about.
    pub stream: StreamId,
    /// Whose matter it is.
    pub matter: Matter,
    /// Whose data it holds: the addressee's.
    pub subject: yiwang_ledger::SubjectId,
    /// What it says.
    pub draft: Draft,
    /// The day of it.
    pub date: chrono::NaiveDate,
}

impl Desk {
    /// Opens the desk; `path` is where the service's documents are verified, below the gateway's public address.
    ///
    /// # Errors
    /// A font that the configuration names is not there or is none.
    pub fn open(ledger: &Ledger, config: &DocumentsConfig, public_url: &str, path: &str) -> anyhow::Result<Self> {
        let fonts = Fonts::configured(config)?;
        Ok(Desk { ledger: ledger.clone(), fonts, verified_at: format!("{}{path}", public_url.trim_end_matches('/')) })
    }

    /// Issues a document for the entry that calls for it. Repeated, it answers with the document of the first time.
    ///
    /// # Errors
    /// Those of the ledger.
    pub async fn issue(&self, order: Order, entry: Hash, trace: &str) -> Result<Issued, Refusal> {
        let Order { stream, matter, subject, draft, date } = order;
        let ask = Ask { stream, matter, subject, draft, date, verified_at: self.verified_at.clone() };
        book::issue(&self.ledger, ask, entry, trace).await
    }

    /// One page of a matter's documents, of which these are all numbers.
    ///
    /// # Errors
    /// `PAGE_TOKEN_INVALID`; those of the ledger.
    pub async fn list(
        &self,
        numbers: &[String],
        size: u32,
        token: &str,
    ) -> Result<(Vec<pb::Document>, String), Refusal> {
        let from = match token {
            "" => Some(0),
            token => token.parse().ok().filter(|from| (1..numbers.len()).contains(from)),
        };
        let from = from.ok_or_else(|| {
            Refusal::field("page_token", "PAGE_TOKEN_INVALID", "翻页标记无效", "not a page token of this list")
        })?;
        let until = numbers.len().min(from + size as usize);
        let mut documents = Vec::with_capacity(until - from);
        for number in &numbers[from..until] {
            documents.extend(book::find(&self.ledger, number).await?.map(|issued| shown(&issued)));
        }
        Ok((documents, if until < numbers.len() { until.to_string() } else { String::new() }))
    }

    /// A matter's document with its file.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_FOUND`, also for another matter's; `DOCUMENT_ERASED`, `CHARACTER_NOT_IN_FONT`, `LAYOUT_UNKNOWN`; those of
    /// the ledger.
    pub async fn file(
        &self,
        matter: StreamId,
        number: &str,
        size: pb::DocumentSize,
    ) -> Result<pb::DocumentFile, Refusal> {
        let found = book::find(&self.ledger, number.trim()).await?.filter(|issued| issued.matter == matter);
        let issued = found.ok_or_else(|| Refusal { reason: "DOCUMENT_NOT_FOUND", ..Refusal::not_found("文书") })?;
        let text = issued.read().ok_or_else(|| {
            Refusal::state(
                "DOCUMENT_ERASED",
                "该文书的个人信息已依法删除，无法再出具",
                "its addressee's data were erased: it cannot be handed out any more",
            )
        })?;
        let size = if size == pb::DocumentSize::Large { Size::Large } else { Size::Ordinary };
        let pdf = self.draw(text, size).await?;
        let file_sm3 = sm::to_hex(&sm::sm3(&pdf));
        Ok(pb::DocumentFile { document: Some(shown(&issued)), pdf, file_sm3 })
    }

    /// 核验: number and check code, and a digest where one is asked about. What does not verify is an answer.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no digest; those of the ledger.
    pub async fn verify(&self, number: &str, code: &str, digest: &str) -> Result<pb::DocumentVerification, Refusal> {
        let digest = digest.trim().to_ascii_lowercase();
        if !digest.is_empty() && (digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let (zh, en) = ("摘要应为64位十六进制数", "a digest is 64 hex digits");
            return Err(Refusal::field("digest", "FIELD_INVALID", zh, en));
        }
        let now = self.ledger.host().now();
        let mut answer = pb::DocumentVerification { check_time: Some(timestamp(now)), ..Default::default() };
        let found = book::find(&self.ledger, number.trim()).await?.filter(|issued| issued.fits(code));
        let Some(issued) = found else {
            answer.text = "未查到该编号和校验码对应的文书".to_owned();
            return Ok(answer);
        };
        let text = issued.read();
        answer.issued = true;
        answer.text = format!("该文书由{}于{}出具", issued.organ, crate::text::day(issued.date));
        answer.number.clone_from(&issued.number);
        answer.kind = kind(issued.kind).into();
        answer.title = text.as_ref().map_or_else(|| issued.kind.zh().to_owned(), |text| text.title.clone());
        answer.date = issued.date.to_string();
        answer.department.clone_from(&issued.organ);
        answer.item_name.clone_from(&issued.item);
        answer.digest.clone_from(&issued.digest);
        answer.addressee = text.as_ref().map(masked).unwrap_or_default();
        if !digest.is_empty() {
            let verdict = self.verdict(&issued, text, &digest).await?;
            if verdict == pb::DigestVerdict::Differs {
                answer.text.push_str("，但所核验的文件与其不一致，不是原件");
            }
            answer.digest_verdict = verdict.into();
        }
        Ok(answer)
    }

    /// The text's own digest, or that of a file of either size.
    async fn verdict(&self, issued: &Issued, text: Option<Text>, digest: &str) -> Result<pb::DigestVerdict, Refusal> {
        if issued.digest == digest {
            return Ok(pb::DigestVerdict::Agrees);
        }
        let Some(text) = text else { return Ok(pb::DigestVerdict::Unknown) };
        for size in [Size::Ordinary, Size::Large] {
            if sm::to_hex(&sm::sm3(&self.draw(text.clone(), size).await?)) == digest {
                return Ok(pb::DigestVerdict::Agrees);
            }
        }
        Ok(pb::DigestVerdict::Differs)
    }

    async fn draw(&self, text: Text, size: Size) -> Result<Vec<u8>, Refusal> {
        let fonts = self.fonts.clone();
        let drawn = tokio::task::spawn_blocking(move || render(&text, size, &fonts)).await;
        drawn.unwrap_or_else(|error| Err(PdfError::Writing(error.to_string()))).map_err(|error| refusal(&error))
    }
}

fn refusal(error: &PdfError) -> Refusal {
    match error {
        PdfError::Missing(missing) => Refusal::state(
            "CHARACTER_NOT_IN_FONT",
            format!("字体缺少“{}”字，请管理员配置备用字体（documents.fallback_font）", missing.0),
            format!("{missing}: an operator adds one by documents.fallback_font"),
        ),
        PdfError::Layout(layout) => Refusal::state(
            "LAYOUT_UNKNOWN",
            format!("本版本不支持该文书的版式（{layout}）"),
            format!("this release does not know layout {layout}"),
        ),
        PdfError::Writing(error) => {
            tracing::error!(error, "a PDF could not be written");
            Refusal::new(
                yiwang_ledger::Kind::Internal,
                "INTERNAL",
                "系统内部错误，请凭追踪号联系管理员",
                "an error of ours; quote the trace id",
            )
        }
    }
}

fn masked(text: &Text) -> String {
    if text.person { identity::mask_name(&text.addressee) } else { text.addressee.clone() }
}

fn shown(issued: &Issued) -> pb::Document {
    let text = issued.read();
    pb::Document {
        number: issued.number.clone(),
        kind: kind(issued.kind).into(),
        title: text.as_ref().map_or_else(|| issued.kind.zh().to_owned(), |text| text.title.clone()),
        date: issued.date.to_string(),
        department: issued.organ.clone(),
        department_code: issued.organisation.clone(),
        item_name: issued.item.clone(),
        digest: issued.digest.clone(),
        erased: text.is_none(),
        verification_url: text.map(|text| text.address).unwrap_or_default(),
    }
}

/// A kind in the contract.
pub fn kind(kind: Kind) -> pb::DocumentKind {
    match kind {
        Kind::Receipt => pb::DocumentKind::Receipt,
        Kind::Correction => pb::DocumentKind::Correction,
        Kind::Acceptance => pb::DocumentKind::Acceptance,
        Kind::NonAcceptance => pb::DocumentKind::NonAcceptance,
        Kind::Extension => pb::DocumentKind::Extension,
        Kind::SpecialProcedure => pb::DocumentKind::SpecialProcedure,
        Kind::HearingRights => pb::DocumentKind::HearingRights,
        Kind::HearingNotice => pb::DocumentKind::HearingNotice,
        Kind::Grant => pb::DocumentKind::Grant,
        Kind::Refusal => pb::DocumentKind::Refusal,
        Kind::Revocation => pb::DocumentKind::Revocation,
        Kind::Deregistration => pb::DocumentKind::Deregistration,
        Kind::ProofOfService => pb::DocumentKind::ProofOfService,
        Kind::Deferral => pb::DocumentKind::Deferral,
        Kind::Promise => pb::DocumentKind::Promise,
    }
}
