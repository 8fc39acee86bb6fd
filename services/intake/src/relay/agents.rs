//! 帮办代办: the relay `agents`.

use std::time::Duration;

use async_trait::async_trait;
use yiwang_ledger::{Delivery, Entry, Ledger, Refusal, Route};

use super::later;
use crate::agent::{self, Agent};
use crate::application::{Application, ApplicationEvent as Event};
use crate::assigning;
use crate::engagement::Engagement;

/// 帮办代办: what waits gets its agent, whoever became free is asked for what waits, and what an engagement has become reaches the agents'
/// hands.
pub(super) struct Agents(pub(super) Ledger);

#[async_trait]
impl Route for Agents {
    fn wants(&self, entry: &Entry) -> bool {
        let freed = ["AgentRegistered", "AgentBack", "EngagementLeft", "EngagementGiven"];
        let moved = [
            "HelpAsked",
            "AgentAssigned",
            "AgentAuthorised",
            "ApplicationLinked",
            "HandOverAccepted",
            "HandOverRefused",
            "AuthorisationWithdrawn",
            "AuthorisationExpired",
            "EngagementReported",
            "EngagementConfirmed",
            "EngagementDisputed",
        ];
        (entry.is::<Agent>() && freed.contains(&entry.kind.as_str()))
            || (entry.is::<Engagement>() && moved.contains(&entry.kind.as_str()))
            || (entry.is::<Application>() && entry.kind == "HelperNamed")
    }

    async fn deliver(&self, entry: &Entry, _request_id: &str) -> Delivery {
        let done = match entry.kind.as_str() {
            "HelpAsked" => assigning::complete(&self.0, entry.stream, &entry.trace).await,
            "EngagementGiven" => return self.given(entry).await,
            "HelperNamed" => self.begun(entry).await,
            _ if entry.is::<Agent>() => assigning::refill(&self.0, entry.stream, &entry.trace).await,
            _ => assigning::follow(&self.0, entry.stream, &entry.trace).await,
        };
        done.map_or_else(|refusal| later(&refusal), |()| Delivery::Done)
    }
}

impl Agents {
    /// The handler names who was given it; only where it does not, nobody else would.
    async fn given(&self, entry: &Entry) -> Delivery {
        /// So long the handler may take, in microseconds. DESIGN.
        const HANDLERS: i64 = 60_000_000;
        /// Mostly it is done at once: looked at so often before the entry is parked.
        const LOOKS: usize = 10;
        const MOMENT: Duration = Duration::from_millis(30);
        let engagement = match self.0.decode::<Agent>(entry).await {
            Ok(agent::Event::EngagementGiven { engagement }) => engagement,
            Ok(_) => return Delivery::NotMine,
            Err(refusal) => return later(&refusal),
        };
        let young = self.0.host().now().0 - entry.at.0 < HANDLERS;
        let look = || assigning::given(&self.0, entry.stream, engagement, young, &entry.trace);
        let mut found = look().await;
        for _ in 0..LOOKS {
            if !matches!(found, Ok(false)) {
                break;
            }
            tokio::time::sleep(MOMENT).await;
            found = look().await;
        }
        match found {
            Ok(true) => Delivery::Done,
            Ok(false) => Delivery::Later { reason: "the engagement does not name them yet".to_owned() },
            Err(refusal) => later(&refusal),
        }
    }

    /// An application that an agent began belongs to its engagement.
    async fn begun(&self, entry: &Entry) -> Result<(), Refusal> {
        match self.0.decode::<Application>(entry).await? {
            Event::HelperNamed { engagement, .. } => {
                assigning::link(&self.0, engagement, entry.stream, &entry.trace).await
            }
            _ => Ok(()),
        }
    }
}
