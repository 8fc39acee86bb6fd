//! Catalogue and intake (综合受理): the service items of a region, the halls with their appointments and queues (预约、叫号), and
//! applications from the draft to acceptance. A numbered application goes on to approval by relay.
//!
//! Invariant: nothing here changes without an entry, and every rule is a pure function in `application::decide`,
//! `catalogue::decide`, `directory::decide`, `double`, `drafting::decide`, `transfer::decide`, `question::decide`, `answer::decide`,
//! `elsewhere::decide`, `engagement::decide`, `joint::decide`, `notification`, `delivery`, `fee`, `agent`, `appointment`, `bar`, `mandate`, `proofs`, `queue` or `register`.

pub mod agent;
pub mod answer;
pub mod application;
pub mod appointment;
pub mod assigning;
pub mod bar;
pub mod catalogue;
pub mod convert;
pub mod delivery;
pub mod directory;
pub mod documents;
pub mod double;
pub mod drafting;
pub mod elsewhere;
pub mod engagement;
pub mod fee;
pub mod fetching;
pub mod form;
pub mod grpc;
pub mod hall;
pub mod joint;
pub mod limit;
pub mod mandate;
pub mod media;
pub mod notification;
pub mod numbering;
pub mod outside;
pub mod proofs;
pub mod publishing;
pub mod question;
pub mod queue;
pub mod reception;
pub mod register;
pub mod relay;
pub mod rules;
pub mod standard;
pub mod store;
pub mod theme;
pub mod transfer;
pub mod transferring;

use std::sync::Arc;

use anyhow::anyhow;
use tonic::service::Routes;
use yiwang_documents::book::Book;
use yiwang_documents::desk::Desk;
use yiwang_kit::following::follow;
use yiwang_kit::watching::Watching;
use yiwang_kit::{Env, storage};
use yiwang_ledger::{Ending, Ledger, Refusal};
use yiwang_proto::catalogue::v1::catalogue_service_server::CatalogueServiceServer;
use yiwang_proto::catalogue::v1::directory_service_server::DirectoryServiceServer;
use yiwang_proto::catalogue::v1::hall_service_server::HallServiceServer;
use yiwang_proto::catalogue::v1::theme_service_server::ThemeServiceServer;
use yiwang_proto::catalogue::v1::transfer_service_server::TransferServiceServer;
use yiwang_proto::intake::v1::agent_service_server::AgentServiceServer;
use yiwang_proto::intake::v1::answer_service_server::AnswerServiceServer;
use yiwang_proto::intake::v1::appointment_service_server::AppointmentServiceServer;
use yiwang_proto::intake::v1::bar_service_server::BarServiceServer;
use yiwang_proto::intake::v1::counter_service_server::CounterServiceServer;
use yiwang_proto::intake::v1::custody_service_server::CustodyServiceServer;
use yiwang_proto::intake::v1::delivery_service_server::DeliveryServiceServer;
use yiwang_proto::intake::v1::document_service_server::DocumentServiceServer;
use yiwang_proto::intake::v1::double_entry_service_server::DoubleEntryServiceServer;
use yiwang_proto::intake::v1::engagement_service_server::EngagementServiceServer;
use yiwang_proto::intake::v1::fee_service_server::FeeServiceServer;
use yiwang_proto::intake::v1::intake_service_server::IntakeServiceServer;
use yiwang_proto::intake::v1::joint_service_server::JointServiceServer;
use yiwang_proto::intake::v1::mandate_service_server::MandateServiceServer;
use yiwang_proto::intake::v1::notification_service_server::NotificationServiceServer;
use yiwang_proto::intake::v1::pre_review_service_server::PreReviewServiceServer;
use yiwang_proto::intake::v1::question_service_server::QuestionServiceServer;
use yiwang_proto::intake::v1::queue_service_server::QueueServiceServer;
use yiwang_proto::intake::v1::reception_service_server::ReceptionServiceServer;

use crate::agent::Agent;
use crate::answer::Answer;
use crate::application::{Application, decide};
use crate::appointment::visitor::Visitor;
use crate::appointment::{Appointment, following};
use crate::bar::Bars;
use crate::catalogue::Item;
use crate::delivery::Delivery;
use crate::directory::BasicItem;
use crate::double::outside::Outside;
use crate::drafting::Draft;
use crate::elsewhere::Custody;
use crate::engagement::Engagement;
use crate::fee::Fees;
use crate::grpc::{
    Agents, Answers, Appointments, BarsOf, Catalogue, Counters, Custodies, Deliveries, Directory, DocumentsOf,
    DoubleEntries, Engagements, FeesOf, Halls, Intake, Joints, Mandates, Notifications, PreReviews, Questions, Queues,
    Receptions, Themes, Transfers,
};
use crate::hall::{Hall, Presence};
use crate::joint::Joint;
use crate::mandate::Mandate;
use crate::notification::sender::Senders;
use crate::notification::{Contact, Notification};
use crate::proofs::Proof;
use crate::question::Question;
use crate::queue::{Day, seats};
use crate::reception::{BookingRules, WindowGroup};
use crate::store::Store;
use crate::theme::Theme;
use crate::transfer::Transfer;

/// Name of the service.
pub const NAME: &str = "intake";

/// Starts the service: brings the shipped catalogue in, settles what a crash left, starts timers and relays. Answers what it
/// serves.
///
/// # Errors
/// A data file that ships with the product is not in order, the folder of files cannot be used, or the store is away.
pub async fn start(env: Env) -> anyhow::Result<Routes> {
    rules::all().map_err(|wrong| anyhow!("data/rules.toml: {wrong}"))?;
    catalogue::words::synonyms().map_err(|wrong| anyhow!("data/synonyms.toml: {wrong}"))?;
    question::rules::check().map_err(|wrong| anyhow!("data/questions.toml: {wrong}"))?;
    fetching::check().map_err(|wrong| anyhow!("data/obtainable.toml: {wrong}"))?;
    proofs::builtin::all().map_err(|wrong| anyhow!("data/abolished_proofs.toml: {wrong}"))?;
    let mut shipped = catalogue::source::builtin()?;
    shipped.retain(|facts| env.config.catalogue.ships(&facts.code));
    let mut themes = theme::source::builtin()?;
    themes.retain(|theme| theme.members.iter().all(|member| env.config.catalogue.ships(&member.item)));
    let report = catalogue::import::run(&env.ledger, shipped).await?;
    tracing::info!(
        created = report.created,
        revised = report.revised,
        unchanged = report.unchanged,
        "catalogue in force"
    );
    theme::source::run(&env.ledger, themes).await?;
    let sources = fetching::Sources::open(&env)?;
    let catalogue = Catalogue::new(env.ledger.clone(), env.gate.clone(), sources.clone(), &env.config.public_url())?;
    let seen = env.ledger.end().await?;
    catalogue.stock().await?;
    let (index, shutdown, ledger) = (catalogue.clone(), env.shutdown.clone(), env.ledger.clone());
    tokio::spawn(async move { shutdown.run_until_cancelled(follow(&ledger, Some(seen), &index)).await });

    let files = storage::open(&env.config.storage, &env.data_dir.join("attachments"))?;
    let store = Arc::new(Store::new(files, env.config.limits.attachment_bytes));
    store.recover(&env.ledger).await?;

    env.ledger.timer::<Application>(decide::timer);
    env.ledger.timer::<Item>(catalogue::decide::timer);
    env.ledger.timer::<BasicItem>(directory::decide::timer);
    env.ledger.timer::<Day>(seats::timer);
    env.ledger.timer::<Fees>(fee::payment::timer);
    env.ledger.timer::<Delivery>(delivery::decide::timer);
    env.ledger.timer::<Question>(question::decide::timer);
    env.ledger.timer::<Agent>(agent::timer);
    env.ledger.timer::<Joint>(joint::decide::timer);
    env.ledger.timer::<Engagement>(engagement::decide::timer);
    env.ledger.timer::<Custody>(elsewhere::decide::timer);
    let ledger = env.ledger.clone();
    env.legal.on_year(env.shutdown.clone(), move |year| {
        let ledger = ledger.clone();
        async move {
            ledger.sweep::<Application>("provisional", &year.to_string(), decide::recompute).await?;
            ledger.sweep::<Delivery>("provisional", &year.to_string(), delivery::decide::recompute).await?;
            // a day that turns out to be one of rest is given up by the halls
            following::replan_all(&ledger, None).await?;
            ledger.sweep::<Joint>("provisional", &year.to_string(), joint::decide::recompute).await?;
            ledger.sweep::<Custody>("provisional", &year.to_string(), elsewhere::decide::recompute).await?;
            ledger.sweep::<Question>("provisional", &year.to_string(), question::decide::recompute).await.map(drop)
        }
    });
    let desk = Desk::open(&env.ledger, &env.config.documents, &env.config.public_url(), "/v1/documents")?;
    let watching = Watching::start(&env.ledger, env.shutdown.clone());
    let intake = Intake::new(env.ledger.clone(), env.gate.clone(), store.clone(), desk.clone(), sources, watching);
    relay::spawn(&env.ledger, &env.links, store, desk.clone(), intake.clone());
    let senders = Senders::open(&env, &env.data_dir.join("notifications"))?;
    notification::relays::spawn(&env.ledger, &senders).await?;
    let provider = fee::provider::open(&env)?;
    let payments = fee::pursuing::Payments { ledger: env.ledger.clone(), provider: provider.clone() };
    env.ledger.relay("payments", payments);
    let carrier = delivery::carrier::open(&env)?;
    let (ledger, carries) = (env.ledger.clone(), carrier.clone());
    env.ledger.relay("deliveries", delivery::following::Deliveries { ledger, desk: desk.clone(), carrier: carries });

    let deliveries = Deliveries::new(intake.clone(), desk, carrier);
    let directory = Directory::new(env.ledger.clone(), env.gate.clone());
    let transfers = Transfers::new(env.ledger.clone(), env.gate.clone());
    let halls = Halls::new(env.ledger.clone(), env.gate.clone());
    let mandates = Mandates::new(env.ledger.clone(), env.gate.clone());
    let notifications = Notifications::new(env.ledger.clone(), env.gate.clone());
    let receptions = Receptions::new(env.ledger.clone(), env.gate.clone());
    let questions = Questions::new(env.ledger.clone(), env.gate.clone());
    let agents = Agents::new(env.ledger.clone(), env.gate.clone());
    let engagements = Engagements::new(env.ledger.clone(), env.gate.clone());
    let answers = Answers::new(env.ledger.clone(), env.gate.clone());
    let themes = Themes::new(env.ledger.clone(), env.gate.clone());
    Ok(Routes::new(IntakeServiceServer::new(intake.clone()))
        .add_service(DocumentServiceServer::new(DocumentsOf(intake.clone())))
        .add_service(CounterServiceServer::new(Counters(intake.clone())))
        .add_service(CustodyServiceServer::new(Custodies(intake.clone())))
        .add_service(DoubleEntryServiceServer::new(DoubleEntries(intake.clone())))
        .add_service(FeeServiceServer::new(FeesOf::new(intake.clone(), provider)))
        .add_service(DeliveryServiceServer::new(deliveries))
        .add_service(BarServiceServer::new(BarsOf(intake.clone())))
        .add_service(JointServiceServer::new(Joints(intake.clone())))
        .add_service(PreReviewServiceServer::new(PreReviews(intake)))
        .add_service(MandateServiceServer::new(mandates))
        .add_service(NotificationServiceServer::new(notifications))
        .add_service(CatalogueServiceServer::new(catalogue))
        .add_service(DirectoryServiceServer::new(directory))
        .add_service(HallServiceServer::new(halls))
        .add_service(ReceptionServiceServer::new(receptions.clone()))
        .add_service(AppointmentServiceServer::new(Appointments(receptions.clone())))
        .add_service(QueueServiceServer::new(Queues(receptions)))
        .add_service(QuestionServiceServer::new(questions))
        .add_service(AnswerServiceServer::new(answers))
        .add_service(AgentServiceServer::new(agents))
        .add_service(EngagementServiceServer::new(engagements))
        .add_service(ThemeServiceServer::new(themes))
        .add_service(TransferServiceServer::new(transfers)))
}

/// The streams that come to an end and may be archived after it.
pub const ENDING: [Ending; 1] = [Ending::of::<Application>()];

/// Computes anew from the entries whatever is derived of this service's aggregates; how many streams.
///
/// # Errors
/// As [`Ledger::rebuild`].
pub async fn rebuild(ledger: &Ledger) -> Result<u64, Refusal> {
    Ok(ledger.rebuild::<Application>().await?
        + ledger.rebuild::<Item>().await?
        + ledger.rebuild::<BasicItem>().await?
        + ledger.rebuild::<Draft>().await?
        + ledger.rebuild::<Fees>().await?
        + ledger.rebuild::<Delivery>().await?
        + ledger.rebuild::<Proof>().await?
        + ledger.rebuild::<Hall>().await?
        + ledger.rebuild::<Presence>().await?
        + ledger.rebuild::<Mandate>().await?
        + ledger.rebuild::<Joint>().await?
        + ledger.rebuild::<Notification>().await?
        + ledger.rebuild::<Contact>().await?
        + ledger.rebuild::<Bars>().await?
        + ledger.rebuild::<Custody>().await?
        + ledger.rebuild::<Outside>().await?
        + ledger.rebuild::<WindowGroup>().await?
        + ledger.rebuild::<BookingRules>().await?
        + ledger.rebuild::<Day>().await?
        + ledger.rebuild::<Appointment>().await?
        + ledger.rebuild::<Visitor>().await?
        + ledger.rebuild::<Question>().await?
        + ledger.rebuild::<Answer>().await?
        + ledger.rebuild::<Agent>().await?
        + ledger.rebuild::<Engagement>().await?
        + ledger.rebuild::<Theme>().await?
        + ledger.rebuild::<Transfer>().await?
        + ledger.rebuild::<Book>().await?
        + ledger.rebuild::<register::Register>().await?)
}
