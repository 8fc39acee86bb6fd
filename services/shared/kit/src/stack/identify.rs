//! Who calls: verified here, in front of every service; a public read needs no token.

use http::{Request, header};
use tonic::body::Body;

use super::deadline::Deadline;
use super::{Front, refused};
use crate::caller::Circumstances;
use crate::identity::Identity;
use crate::telemetry::Trace;

/// The methods that anybody may call without a token: guides, the directory, notices and the verification of licences are public.
pub const PUBLIC: &[&str] = &[
    "/yiwang.catalogue.v1.CatalogueService/SearchItems",
    "/yiwang.catalogue.v1.CatalogueService/SuggestItems",
    "/yiwang.catalogue.v1.CatalogueService/GetItem",
    "/yiwang.catalogue.v1.CatalogueService/GetGuideCode",
    "/yiwang.catalogue.v1.CatalogueService/PreviewChecklist",
    "/yiwang.catalogue.v1.CatalogueService/ExportCatalogue",
    "/yiwang.catalogue.v1.DirectoryService/GetBasicItem",
    "/yiwang.catalogue.v1.DirectoryService/ListBasicItems",
    "/yiwang.catalogue.v1.DirectoryService/GetAbolishedProofs",
    "/yiwang.catalogue.v1.HallService/GetHall",
    "/yiwang.catalogue.v1.HallService/ListPresences",
    "/yiwang.catalogue.v1.HallService/GetAbsenceBoard",
    "/yiwang.catalogue.v1.ThemeService/GetTheme",
    "/yiwang.catalogue.v1.ThemeService/ListThemes",
    "/yiwang.catalogue.v1.ThemeService/PlanTheme",
    "/yiwang.catalogue.v1.TransferService/GetTransfer",
    "/yiwang.catalogue.v1.TransferService/ListTransfers",
    "/yiwang.intake.v1.ReceptionService/GetBookingRules",
    "/yiwang.intake.v1.ReceptionService/GetWindowGroup",
    "/yiwang.intake.v1.ReceptionService/ListWindowGroups",
    "/yiwang.intake.v1.ReceptionService/GetSlots",
    "/yiwang.intake.v1.QueueService/GetTicket",
    "/yiwang.intake.v1.QueueService/GetQueueBoard",
    "/yiwang.intake.v1.AnswerService/GetAnswer",
    "/yiwang.intake.v1.AnswerService/SearchAnswers",
    "/yiwang.intake.v1.DocumentService/VerifyDocument",
    "/yiwang.approval.v1.CaseDocumentService/VerifyCaseDocument",
    "/yiwang.license.v1.LicenseService/VerifyLicense",
    "/yiwang.license.v1.LicenseService/GetSigningKey",
    "/yiwang.trading.v1.TradingService/ListNotices",
    "/yiwang.trading.v1.TradingService/GetNotice",
];

/// The header by which a service says whose act it carries out. Believed of services alone.
pub(crate) const ACTOR: &str = "yiwang-actor";

pub(super) fn layer(next: Front, identity: Identity) -> Front {
    Front::new(move |mut request: Request<Body>| {
        let (next, identity) = (next.clone(), identity.clone());
        async move {
            let public = PUBLIC.contains(&request.uri().path());
            let verified = match public {
                true => identity.caller_or_anonymous(request.headers()).await,
                false => identity.caller(request.headers()).await,
            };
            let caller = match verified {
                Ok(caller) => caller,
                Err(refusal) => return refused(refusal),
            };
            let headers = request.headers_mut();
            headers.remove(header::AUTHORIZATION);
            let actor = headers.remove(ACTOR).filter(|_| caller.id.starts_with("service:"));
            let extensions = request.extensions_mut();
            let circumstances = Circumstances {
                caller,
                trace: extensions.remove::<Trace>().unwrap_or_else(Trace::fresh),
                deadline: extensions.remove::<Deadline>().map(|deadline| deadline.0),
                keyring: identity.keyring().clone(),
                actor: actor.and_then(|value| value.to_str().ok().map(str::to_owned)).filter(|actor| !actor.is_empty()),
            };
            extensions.insert(circumstances);
            next.answer(request).await
        }
    })
}
