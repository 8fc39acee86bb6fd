//! `ThemeService`.

use tonic::Request;
use yiwang_kit::{Fault, Gate, Incoming, Reply, receive, reply, wire};
use yiwang_ledger::{Audiences, Committed, Context, Ledger, ListQuery, Read, Refusal};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::theme_service_server::ThemeService;

use super::{of_region, public};
use crate::catalogue::{self as items, Item};
use crate::convert::{ask, region, theme as show};
use crate::theme::decide::Items;
use crate::theme::{self, Theme, ThemeFacts, decide, plan};

/// The themes over their ledger.
#[derive(Clone)]
pub struct Themes {
    ledger: Ledger,
    gate: Gate,
}

impl Themes {
    /// Over a ledger and the policies.
    pub fn new(ledger: Ledger, gate: Gate) -> Self {
        Self { ledger, gate }
    }

    /// The items of a theme as they stand, and their versions.
    async fn items(&self, facts: &ThemeFacts) -> Result<(Items, Vec<(String, u64)>), Refusal> {
        let (mut found, mut versions) = (Items::new(), Vec::new());
        for member in facts.members.iter().filter(|member| !member.item.is_empty()) {
            let read = self.ledger.get::<Item>(items::stream(&member.item), &public()).await?;
            if let Some(read) = read {
                versions.push((member.item.clone(), read.version));
                found.insert(member.item.clone(), (*read.state).clone());
            }
        }
        Ok((found, versions))
    }

    async fn found(&self, code: &str) -> Result<Read<Theme>, Refusal> {
        let read = self.ledger.get::<Theme>(theme::stream(code.trim()), &Audiences::all()).await?;
        read.filter(|read| read.state.exists()).ok_or_else(theme::not_found)
    }

    async fn publish(&self, incoming: Incoming<pb::PublishThemeRequest>) -> Result<pb::Theme, Fault> {
        let message = &incoming.message;
        let facts = show::theme(message.theme.as_ref())?;
        self.gate.allow(&incoming.caller, "PublishTheme", &of_region(&facts.region))?;
        let (known, _) = self.items(&facts).await?;
        let stream = theme::stream(&facts.code);
        let mut call = incoming.call("PublishTheme", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let rule = move |theme: &Theme, _: &Context| {
            // a code that another region uses is not taken over
            if theme.exists() {
                gate.allow(&caller, "PublishTheme", &of_region(&theme.facts.region))?;
            }
            decide::publish(theme, &facts, &known)
        };
        let done = self.ledger.execute::<Theme>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(shown(&done))
    }

    async fn cancel(&self, incoming: Incoming<pb::CancelThemeRequest>) -> Result<pb::Theme, Fault> {
        let message = &incoming.message;
        let own = of_region(&incoming.caller.region);
        self.gate.allow(&incoming.caller, "CancelTheme", &own)?;
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let stream = theme::stream(message.theme_code.trim());
        let mut call = incoming.call("CancelTheme", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let (gate, caller) = (self.gate.clone(), incoming.caller.clone());
        let rule = move |theme: &Theme, _: &Context| {
            if theme.exists() {
                gate.allow(&caller, "CancelTheme", &of_region(&theme.facts.region))?;
            }
            decide::cancel(theme, &reason)
        };
        let done = self.ledger.execute::<Theme>(stream, call, rule).await.map_err(wire::contract_word)?;
        Ok(shown(&done))
    }

    async fn get(&self, incoming: Incoming<pb::GetThemeRequest>) -> Result<pb::Theme, Fault> {
        self.gate.allow(&incoming.caller, "GetTheme", &of_region(""))?;
        let read = self.found(&incoming.message.theme_code).await?;
        Ok(show::shown(read.version, &read.state, read.updated_at))
    }

    async fn list(&self, incoming: Incoming<pb::ListThemesRequest>) -> Result<pb::ListThemesResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ListThemes", &of_region(""))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        filters.extend(show::kind_tag(message.kind()).map(|kind| ("kind", kind.to_owned())));
        if !message.life_event.trim().is_empty() {
            filters.push(("life_event", message.life_event.trim().to_owned()));
        }
        if !message.region_code.trim().is_empty() {
            filters.push(("region", region("region_code", &message.region_code)?));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Theme>(&query, &public()).await?;
        Ok(pb::ListThemesResponse {
            themes: page.items.iter().map(|read| show::shown(read.version, &read.state, read.updated_at)).collect(),
            next_page_token: page.next_page_token,
        })
    }

    async fn plan(&self, incoming: Incoming<pb::PlanThemeRequest>) -> Result<pb::ThemePlan, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "PlanTheme", &of_region(""))?;
        let read = self.found(&message.theme_code).await?;
        read.state.check_open()?;
        let answers = message.answers.as_ref().map(ask::form_value).transpose()?;
        let answers = answers.unwrap_or_else(|| serde_json::json!({}));
        plan::check_answers(&read.state.facts, &answers)?;
        let (known, versions) = self.items(&read.state.facts).await?;
        Ok(show::planned(&read, &answers, &known, &versions, self.ledger.host().now()))
    }
}

fn shown(done: &Committed<Theme>) -> pb::Theme {
    show::shown(done.version, &done.state, done.at)
}

#[tonic::async_trait]
impl ThemeService for Themes {
    async fn publish_theme(&self, request: Request<pb::PublishThemeRequest>) -> Reply<pb::Theme> {
        reply(self.publish(receive(request)?).await)
    }

    async fn cancel_theme(&self, request: Request<pb::CancelThemeRequest>) -> Reply<pb::Theme> {
        reply(self.cancel(receive(request)?).await)
    }

    async fn get_theme(&self, request: Request<pb::GetThemeRequest>) -> Reply<pb::Theme> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_themes(&self, request: Request<pb::ListThemesRequest>) -> Reply<pb::ListThemesResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn plan_theme(&self, request: Request<pb::PlanThemeRequest>) -> Reply<pb::ThemePlan> {
        reply(self.plan(receive(request)?).await)
    }
}
