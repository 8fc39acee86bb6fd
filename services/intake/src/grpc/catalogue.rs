//! `CatalogueService`.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tonic::Request;
use yiwang_kit::following::Follower;
use yiwang_kit::{Caller, CallerKind, Fault, Gate, Incoming, Reply, Resource, receive, reply, wire};
use yiwang_ledger::{Audiences, Call, Context, Decision, Entry, Ledger, ListQuery, Refusal, StreamId};
use yiwang_proto::catalogue::v1 as pb;
use yiwang_proto::catalogue::v1::catalogue_service_server::CatalogueService;

use super::public;
use crate::catalogue::details::Served;
use crate::catalogue::shelf::{Shelf, Wanted};
use crate::catalogue::source::Defaults;
use crate::catalogue::{self as items, Hold, Item, ItemEvent, decide, exchange, import};
use crate::convert::{ask, count, details, item as show, region, standard as checklists};
use crate::fetching::Sources;
use crate::limit::legal_date;

/// So many items are read at once, which the ledger gathers.
const AT_ONCE: usize = 64;
/// Longest query in characters.
const QUERY: usize = 100;

/// The catalogue over its ledger.
#[derive(Clone)]
pub struct Catalogue {
    pub(super) ledger: Ledger,
    pub(super) gate: Gate,
    pub(super) sources: Sources,
    defaults: Arc<Defaults>,
    shelf: Arc<RwLock<Shelf>>,
    /// The beginning of every guide's address.
    guides: Arc<str>,
}

/// The index takes in what has changed, by whomever: the timer, or another replica.
#[async_trait]
impl Follower for Catalogue {
    async fn told(&self, entries: &[Arc<Entry>]) -> Result<(), Refusal> {
        let changed: BTreeSet<_> =
            entries.iter().filter(|entry| entry.is::<Item>()).map(|entry| entry.stream).collect();
        self.restock(changed).await
    }

    async fn anew(&self) -> Result<(), Refusal> {
        self.stock().await
    }
}

impl Catalogue {
    /// Over a ledger, the policies, where licences are looked up and the gateway's public address; call [`Catalogue::stock`] when the items are in.
    ///
    /// # Errors
    /// The defaults that ship with the product are not in order.
    pub fn new(ledger: Ledger, gate: Gate, sources: Sources, public_url: &str) -> anyhow::Result<Self> {
        let guides = format!("{public_url}/v1/items/").into();
        Ok(Self { ledger, gate, sources, defaults: Arc::new(Defaults::load()?), shelf: Arc::default(), guides })
    }

    /// Takes the whole catalogue into the index.
    ///
    /// # Errors
    /// `STORE_UNAVAILABLE`.
    pub async fn stock(&self) -> Result<(), Refusal> {
        let mut shelf = Shelf::default();
        import::all(&self.ledger).await?.iter().for_each(|read| shelf.put(read));
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = shelf;
        Ok(())
    }

    /// Takes some items into the index as they are now.
    async fn restock(&self, changed: impl IntoIterator<Item = StreamId>) -> Result<(), Refusal> {
        let everybody = Audiences::all();
        let mut reading = Vec::new();
        for changed in changed {
            reading.push(self.ledger.get::<Item>(changed, &everybody).boxed());
        }
        let mut reads = stream::iter(reading).buffered(AT_ONCE);
        while let Some(read) = reads.next().await {
            if let Some(read) = read? {
                self.shelf.write().unwrap_or_else(PoisonError::into_inner).put(&read);
            }
        }
        Ok(())
    }

    fn shelf(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find(&self, incoming: Incoming<pb::SearchItemsRequest>) -> Result<pb::SearchItemsResponse, Fault> {
        self.gate.allow(&incoming.caller, "SearchItems", &Resource { kind: "Item", ..Resource::default() })?;
        let message = &incoming.message;
        let query = ask::text("query", &message.query, 0, QUERY, "FIELD_INVALID")?;
        let department = ask::text("department", &message.department, 0, 100, "FIELD_INVALID")?;
        let item_type = match (message.item_type, message.item_type()) {
            (0, _) => None,
            (_, pb::ItemType::Unspecified) => {
                return Err(Refusal::field("item_type", "FIELD_INVALID", "没有这种事项类型", "no such type").into());
            }
            (_, pb::ItemType::AdministrativePower) => Some(0),
            (_, known) => Some(known as u16),
        };
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let region_code = match message.region_code.trim() {
            "" => None,
            code => Some(region("region_code", code)?),
        };
        let wanted = Wanted {
            department: some(department),
            item_type,
            topic: some(ask::text("topic", &message.topic, 0, 100, "FIELD_INVALID")?),
            served: details::served_of(message.served()).map(Served::name),
            region: region_code,
            cancelled: message.show_cancelled,
            organs: serves_organs(&incoming.caller),
        };
        let size = wire::page_size(message.page_size)?;
        match query.is_empty() {
            true => self.browse(&incoming.caller, &wanted, size, &message.page_token).await,
            false => self.rank(&incoming.caller, &query, &wanted, size, &message.page_token).await,
        }
    }

    /// All items in the order of their codes.
    async fn browse(
        &self,
        caller: &Caller,
        wanted: &Wanted,
        size: u32,
        token: &str,
    ) -> Result<pb::SearchItemsResponse, Fault> {
        let total_size = count(self.shelf().count(wanted));
        let named = [("department", &wanted.department), ("topic", &wanted.topic), ("region", &wanted.region)];
        let mut filters: Vec<(&'static str, String)> =
            named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        filters.extend(wanted.item_type.map(|code| ("type", code.to_string())));
        filters.extend(wanted.served.map(|group| ("served", group.to_owned())));
        if !wanted.cancelled {
            filters.push(("status", "IN_FORCE".to_owned()));
        }
        let query = ListQuery { filters, page_size: size, page_token: token.to_owned() };
        let page = self.ledger.list::<Item>(&query, &seen_by(caller)).await?;
        let today = self.today();
        let items = page.items.iter().map(|read| show::summary(&read.state, today)).collect();
        Ok(pb::SearchItemsResponse { items, next_page_token: page.next_page_token, total_size })
    }

    /// The items that answer the query, best first.
    async fn rank(
        &self,
        caller: &Caller,
        query: &str,
        wanted: &Wanted,
        size: u32,
        token: &str,
    ) -> Result<pb::SearchItemsResponse, Fault> {
        let proof = self.ledger.vault().keyed_hash(&[b"search", format!("{query}\0{wanted:?}").as_bytes()]).to_string();
        let proof = &proof[..16];
        let start = offset(token, proof)?;
        let ranked = self.shelf().search(query, wanted).items;
        let end = start.saturating_add(size as usize).min(ranked.len());
        let (today, seen) = (self.today(), seen_by(caller));
        // at once, so that the ledger gathers them into one query
        let page = ranked.get(start..end).unwrap_or_default();
        let mut reading = Vec::with_capacity(page.len());
        for found in page {
            reading.push(self.ledger.get::<Item>(*found, &seen).boxed());
        }
        let reads: Vec<_> = stream::iter(reading).buffered(page.len().max(1)).collect().await;
        let mut items = Vec::with_capacity(page.len());
        for read in reads {
            // what has become invisible since is left out
            items.extend(read?.map(|read| show::summary(&read.state, today)));
        }
        Ok(pb::SearchItemsResponse {
            items,
            next_page_token: if end < ranked.len() { format!("{proof}.{end}") } else { String::new() },
            total_size: count(ranked.len()),
        })
    }

    async fn guide_code(&self, incoming: Incoming<pb::GetGuideCodeRequest>) -> Result<pb::GuideCode, Fault> {
        self.gate.allow(&incoming.caller, "GetGuideCode", &Resource { kind: "Item", ..Resource::default() })?;
        let code = incoming.message.item_code.trim();
        let read = self.ledger.get::<Item>(items::stream(code), &seen_by(&incoming.caller)).await?;
        let read = read.filter(|read| read.state.exists()).ok_or_else(|| items::not_found(code))?;
        let facts = &read.state.facts;
        let url = format!("{}{}", self.guides, facts.code);
        let qr_svg = yiwang_documents::qr::svg(&url).unwrap_or_default();
        Ok(pb::GuideCode { item_code: facts.code.clone(), item_name: facts.name.clone(), url, qr_svg })
    }

    async fn get(&self, incoming: Incoming<pb::GetItemRequest>) -> Result<pb::Item, Fault> {
        self.gate.allow(&incoming.caller, "GetItem", &Resource { kind: "Item", ..Resource::default() })?;
        let code = incoming.message.item_code.trim();
        let stream = items::stream(code);
        let seen = seen_by(&incoming.caller);
        let read = match u64::try_from(incoming.message.version) {
            Ok(0) => self.ledger.get::<Item>(stream, &seen).await?,
            // an older version is seen by whoever sees the item
            Ok(version) => match self.ledger.get::<Item>(stream, &seen).await? {
                None => None,
                Some(_) => self.ledger.state_at::<Item>(stream, version).await?.filter(|read| read.version == version),
            },
            Err(_) => {
                return Err(
                    Refusal::field("version", "FIELD_INVALID", "版本号不能为负", "a version is not negative").into()
                );
            }
        };
        Ok(show::item(&read.ok_or_else(|| items::not_found(code))?, self.today()))
    }

    async fn preview(&self, incoming: Incoming<pb::PreviewChecklistRequest>) -> Result<pb::Checklist, Fault> {
        self.gate.allow(&incoming.caller, "PreviewChecklist", &Resource { kind: "Item", ..Resource::default() })?;
        let code = incoming.message.item_code.trim();
        let read = self.ledger.get::<Item>(items::stream(code), &seen_by(&incoming.caller)).await?;
        let item = read.ok_or_else(|| items::not_found(code))?.state;
        let said = checklists::preview(&incoming.message)?;
        Ok(checklists::checklist(&item.facts, &said, None, false))
    }

    async fn take_rows(&self, incoming: Incoming<pb::ImportItemsRequest>) -> Result<pb::ImportItemsResponse, Fault> {
        let own = Resource { kind: "Item", region: &incoming.caller.region, ..Resource::default() };
        self.gate.allow(&incoming.caller, "ImportItems", &own)?;
        let rows: Vec<_> = incoming.message.rows.iter().cloned().map(Ok).collect();
        self.take_all(&incoming, "ImportItems", &incoming.message.request_id, rows).await
    }

    async fn take_file(
        &self,
        incoming: Incoming<pb::ImportCatalogueRequest>,
    ) -> Result<pb::ImportItemsResponse, Fault> {
        let message = &incoming.message;
        let own = Resource { kind: "Item", region: &incoming.caller.region, ..Resource::default() };
        self.gate.allow(&incoming.caller, "ImportCatalogue", &own)?;
        let rows = match message.format() {
            pb::FileFormat::Json => exchange::from_json(&message.text)?,
            pb::FileFormat::Csv | pb::FileFormat::Unspecified => exchange::from_csv(&message.text)?,
        };
        let rows = rows.into_iter().map(|row| row.map(show::row_of_file)).collect();
        self.take_all(&incoming, "ImportCatalogue", &message.request_id, rows).await
    }

    async fn give_file(
        &self,
        incoming: Incoming<pb::ExportCatalogueRequest>,
    ) -> Result<pb::ExportCatalogueResponse, Fault> {
        let message = &incoming.message;
        self.gate.allow(&incoming.caller, "ExportCatalogue", &Resource { kind: "Item", ..Resource::default() })?;
        let query = ListQuery {
            filters: vec![("status", "IN_FORCE".to_owned())],
            page_size: wire::page_size_of(message.page_size, wire::PageSize { usual: 200, most: 200 })?,
            page_token: message.page_token.clone(),
        };
        let page = self.ledger.list::<Item>(&query, &seen_by(&incoming.caller)).await?;
        let rows: Vec<_> = page.items.iter().map(|read| exchange::FileRow::from(&read.state.facts)).collect();
        let text = match message.format() {
            pb::FileFormat::Json => exchange::to_json(&rows)?,
            pb::FileFormat::Csv | pb::FileFormat::Unspecified => exchange::to_csv(&rows)?,
        };
        Ok(pb::ExportCatalogueResponse { text, rows: count(rows.len()), next_page_token: page.next_page_token })
    }

    /// Takes rows, each by itself; the report names those that were not taken, by their number.
    async fn take_all<T: serde::Serialize + Sync>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        request_id: &str,
        rows: Vec<Result<pb::ItemRow, Refusal>>,
    ) -> Result<pb::ImportItemsResponse, Fault> {
        if rows.is_empty() {
            return Err(Refusal::field("rows", "ROWS_MISSING", "没有要导入的行", "there are no rows").into());
        }
        if rows.len() > 2000 {
            return Err(
                Refusal::field("rows", "TOO_MANY_ROWS", "一次至多导入2000行", "at most 2,000 rows at a time").into()
            );
        }
        incoming.call(rpc, "", request_id)?;
        let mut taking = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            taking.push(self.take_numbered(incoming, (rpc, request_id), index, row).boxed());
        }
        let results: Vec<_> = stream::iter(taking).buffered(256).collect().await;
        let mut answer = pb::ImportItemsResponse::default();
        for (index, item_code, result) in results {
            match result {
                Ok(Taken::Created) => answer.created += 1,
                Ok(Taken::Revised) => answer.updated += 1,
                Ok(Taken::Equal) => answer.unchanged += 1,
                Err(refusal) => answer.refused.push(pb::RefusedRow {
                    row: count(index + 1),
                    item_code: item_code.chars().take(100).collect(),
                    reason: refusal.fields.first().map_or(refusal.reason.to_owned(), |field| field.reason.clone()),
                    text: match refusal.fields.first() {
                        Some(field) => format!("{}：{}", field.field, field.zh),
                        None => refusal.zh,
                    },
                }),
            }
        }
        let taken = rows.iter().flatten().map(|row| items::stream(row.item_code.trim()));
        self.restock(taken.collect::<BTreeSet<_>>()).await?;
        Ok(answer)
    }

    async fn take_numbered<T: serde::Serialize + Sync>(
        &self,
        incoming: &Incoming<T>,
        call: (&'static str, &str),
        index: usize,
        row: &Result<pb::ItemRow, Refusal>,
    ) -> (usize, String, Result<Taken, Refusal>) {
        match row {
            Ok(row) => (index, row.item_code.clone(), self.take_row(incoming, call, index, row).await),
            Err(refusal) => (index, String::new(), Err(refusal.clone())),
        }
    }

    async fn take_row<T: serde::Serialize + Sync>(
        &self,
        incoming: &Incoming<T>,
        (rpc, request): (&'static str, &str),
        index: usize,
        row: &pb::ItemRow,
    ) -> Result<Taken, Refusal> {
        let taken = show::row(row)?;
        let theirs = Resource { kind: "Item", region: &taken.region_code, ..Resource::default() };
        self.gate.allow(&incoming.caller, rpc, &theirs)?;
        let stream = items::stream(taken.item_code.as_str());
        // one request, many streams: each row, as it was sent, has an id of its own below it
        let mut call = incoming.call_of(rpc, &stream.to_string(), request, row)?;
        call.request_id = format!("{request}.{index}");
        let before = self.ledger.get::<Item>(stream, &Audiences::all()).await?.map_or(0, |read| read.version);
        let defaults = self.defaults.clone();
        let rule = move |item: &Item, _: &Context| decide::import(item, &taken, &defaults);
        let done = self.ledger.execute::<Item>(stream, call, rule).await?;
        // a replay tells of a version that was written, and counts as it did then
        Ok(match done.version {
            1 if done.replayed || before == 0 => Taken::Created,
            version if done.replayed || version > before => Taken::Revised,
            _ => Taken::Equal,
        })
    }

    async fn cancel(&self, incoming: Incoming<pb::CancelItemRequest>) -> Result<pb::Item, Fault> {
        let message = &incoming.message;
        let code = message.item_code.trim().to_owned();
        let successor = message.successor_item_code.trim().to_owned();
        if !successor.is_empty() {
            let found = self.ledger.get::<Item>(items::stream(&successor), &public()).await?;
            found.filter(|_| successor != code).ok_or_else(|| {
                let mut refusal =
                    Refusal::field("successor_item_code", "SUCCESSOR_NOT_FOUND", "没有这个后续事项", "no such item");
                refusal.kind = yiwang_ledger::Kind::NotFound;
                refusal
            })?;
        }
        let cancel = decide::Cancel {
            item_code: code.clone(),
            effective: day("effective_date", &message.effective_date)?,
            reason: ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?,
            successor: Some(successor).filter(|code| !code.is_empty()),
        };
        let stream = items::stream(&code);
        let mut call = incoming.call("CancelItem", &stream.to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let rule = move |item: &Item, cx: &Context| decide::cancel(item, &cancel, cx);
        self.change(&incoming.caller, "CancelItem", &code, call, rule).await
    }

    async fn suspend(&self, incoming: Incoming<pb::SuspendItemRequest>) -> Result<pb::Item, Fault> {
        let message = &incoming.message;
        let code = message.item_code.trim().to_owned();
        let hold = Hold {
            from: day("from_date", &message.from_date)?.unwrap_or_else(|| self.today()),
            until: day("until_date", &message.until_date)?,
            reason: ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?,
        };
        let mut call = incoming.call("SuspendItem", &items::stream(&code).to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let known = code.clone();
        let rule = move |item: &Item, cx: &Context| decide::suspend(item, &known, &hold, cx);
        self.change(&incoming.caller, "SuspendItem", &code, call, rule).await
    }

    async fn resume(&self, incoming: Incoming<pb::ResumeItemRequest>) -> Result<pb::Item, Fault> {
        let message = &incoming.message;
        let code = message.item_code.trim().to_owned();
        let mut call = incoming.call("ResumeItem", &items::stream(&code).to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let known = code.clone();
        let rule = move |item: &Item, cx: &Context| decide::resume(item, &known, cx);
        self.change(&incoming.caller, "ResumeItem", &code, call, rule).await
    }

    async fn withdraw_waiting(&self, incoming: Incoming<pb::WithdrawVersionRequest>) -> Result<pb::Item, Fault> {
        let message = &incoming.message;
        let code = message.item_code.trim().to_owned();
        let reason = ask::text("reason", &message.reason, 1, 500, "FIELD_INVALID")?;
        let mut call = incoming.call("WithdrawVersion", &items::stream(&code).to_string(), &message.request_id)?;
        call.expected_version = wire::expected_version(&message.etag)?;
        let known = code.clone();
        let rule = move |item: &Item, _: &Context| decide::withdraw_version(item, &known, &reason);
        self.change(&incoming.caller, "WithdrawVersion", &code, call, rule).await
    }

    /// A command on one item, which its region's administrators may give; the item right after it. Whoever is none of any region
    /// is told that before they are told that there is no such item.
    async fn change(
        &self,
        caller: &Arc<Caller>,
        rpc: &'static str,
        code: &str,
        call: Call,
        rule: impl Fn(&Item, &Context) -> Decision<ItemEvent> + Send + Sync + 'static,
    ) -> Result<pb::Item, Fault> {
        self.gate.allow(caller, rpc, &Resource { kind: "Item", region: &caller.region, ..Resource::default() })?;
        let (gate, caller) = (self.gate.clone(), caller.clone());
        let rule = move |item: &Item, cx: &Context| {
            if item.exists() {
                let facts = &item.facts;
                let theirs = Resource {
                    kind: "Item",
                    organisation: &facts.department_code,
                    region: &facts.region,
                    item: &facts.code,
                    ..Resource::default()
                };
                gate.allow(&caller, rpc, &theirs)?;
            }
            rule(item, cx)
        };
        let stream = items::stream(code);
        let done = self.ledger.execute::<Item>(stream, call, rule).await.map_err(wire::contract_word)?;
        self.restock([stream]).await?;
        let read = self.ledger.state_at::<Item>(stream, done.version).await?;
        Ok(show::item(&read.ok_or_else(|| items::not_found(code))?, self.today()))
    }

    pub(super) fn today(&self) -> chrono::NaiveDate {
        legal_date(self.ledger.host().now())
    }
}

enum Taken {
    Created,
    Revised,
    Equal,
}

/// The public's items, and, for staff, partners and services, 部门间政务服务.
pub(super) fn seen_by(caller: &Caller) -> Audiences {
    match serves_organs(caller) {
        true => Audiences::of(["public".to_owned(), "organs".to_owned()]),
        false => public(),
    }
}

/// Whether 部门间政务服务 is for this caller.
fn serves_organs(caller: &Caller) -> bool {
    match caller.kind {
        CallerKind::Staff | CallerKind::Partner | CallerKind::Service => true,
        CallerKind::Person | CallerKind::Company | CallerKind::Anonymous => false,
    }
}

pub(crate) fn day(field: &str, text: &str) -> Result<Option<chrono::NaiveDate>, Refusal> {
    match text.trim() {
        "" => Ok(None),
        text => {
            let wrong = || Refusal::field(field, "FIELD_INVALID", "日期应为YYYY-MM-DD", "a day is YYYY-MM-DD");
            wire::day(text).map(Some).ok_or_else(wrong)
        }
    }
}

/// Where a page of a ranked search begins; the token is good for its own query alone.
///
/// # Errors
/// `PAGE_TOKEN_INVALID`.
pub(super) fn offset(token: &str, proof: &str) -> Result<usize, Refusal> {
    if token.is_empty() {
        return Ok(0);
    }
    token.split_once('.').filter(|(own, _)| *own == proof).and_then(|(_, offset)| offset.parse().ok()).ok_or_else(
        || {
            Refusal::field(
                "page_token",
                "PAGE_TOKEN_INVALID",
                "分页标记无效，请从第一页重新开始",
                "not a token of this list: start again",
            )
        },
    )
}

#[tonic::async_trait]
impl CatalogueService for Catalogue {
    async fn search_items(&self, request: Request<pb::SearchItemsRequest>) -> Reply<pb::SearchItemsResponse> {
        reply(self.find(receive(request)?).await)
    }

    async fn suggest_items(&self, request: Request<pb::SuggestItemsRequest>) -> Reply<pb::SuggestItemsResponse> {
        reply(self.likely(receive(request)?).await)
    }

    async fn get_item(&self, request: Request<pb::GetItemRequest>) -> Reply<pb::Item> {
        reply(self.get(receive(request)?).await)
    }

    async fn get_guide_code(&self, request: Request<pb::GetGuideCodeRequest>) -> Reply<pb::GuideCode> {
        reply(self.guide_code(receive(request)?).await)
    }

    async fn preview_checklist(&self, request: Request<pb::PreviewChecklistRequest>) -> Reply<pb::Checklist> {
        reply(self.preview(receive(request)?).await)
    }

    async fn import_items(&self, request: Request<pb::ImportItemsRequest>) -> Reply<pb::ImportItemsResponse> {
        reply(self.take_rows(receive(request)?).await)
    }

    async fn import_catalogue(&self, request: Request<pb::ImportCatalogueRequest>) -> Reply<pb::ImportItemsResponse> {
        reply(self.take_file(receive(request)?).await)
    }

    async fn export_catalogue(
        &self,
        request: Request<pb::ExportCatalogueRequest>,
    ) -> Reply<pb::ExportCatalogueResponse> {
        reply(self.give_file(receive(request)?).await)
    }

    async fn cancel_item(&self, request: Request<pb::CancelItemRequest>) -> Reply<pb::Item> {
        reply(self.cancel(receive(request)?).await)
    }

    async fn suspend_item(&self, request: Request<pb::SuspendItemRequest>) -> Reply<pb::Item> {
        reply(self.suspend(receive(request)?).await)
    }

    async fn withdraw_version(&self, request: Request<pb::WithdrawVersionRequest>) -> Reply<pb::Item> {
        reply(self.withdraw_waiting(receive(request)?).await)
    }

    async fn resume_item(&self, request: Request<pb::ResumeItemRequest>) -> Reply<pb::Item> {
        reply(self.resume(receive(request)?).await)
    }
}
