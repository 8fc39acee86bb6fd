//! `AppointmentService`.

use chrono::NaiveDate;
use tonic::Request;
use yiwang_kit::{Caller, CallerKind, Fault, Incoming, Reply, new_stream_id, receive, reply, wire};
use yiwang_ledger::{
    Aggregate as _, Audiences, Committed, Context, Decision, ListQuery, Personal, Read, Refusal, StreamId,
};
use yiwang_proto::intake::v1 as pb;
use yiwang_proto::intake::v1::appointment_service_server::AppointmentService;

use super::reader;
use super::reception::{Receptions, of_hall};
use crate::application::Party;
use crate::appointment::following::{After, Published};
use crate::appointment::visitor::{self, Claim, Terms, Visitor};
use crate::appointment::{self, Appointment, AppointmentEvent, Booking, Place, is_elderly};
use crate::catalogue::Item;
use crate::convert::ask::{self, Sealing};
use crate::convert::{appointment as show, reception as words};
use crate::hall::Presence;
use crate::queue::seats::{self, Take};
use crate::queue::{Booked, Green};
use crate::reception::{Ground, SlotKind, WindowGroup};

/// Appointments.
#[derive(Clone)]
pub struct Appointments(pub Receptions);

/// A green channel that a clerk names, who has seen the papers.
pub(super) fn green(ground: pb::Ground, clerk: bool) -> Result<Option<Green>, Refusal> {
    let ground = words::ground(ground);
    if ground.is_none() {
        return Ok(None);
    }
    if !clerk {
        let (zh, en) = ("绿色通道由窗口人员查验证件后登记", "a clerk who has seen the papers names the ground");
        return Err(Refusal::field("ground", "FIELD_INVALID", zh, en));
    }
    Ok(Some(Green { ground }))
}

/// Whether an item can be booked in a group on a day.
pub(super) fn bookable(
    item: &Item,
    presence: Option<&Presence>,
    group: &WindowGroup,
    date: NaiveDate,
) -> Result<(), Refusal> {
    item.check_open(date)?;
    if !group.serves(&item.facts.code) {
        return Err(super::queue::not_served());
    }
    if !presence.is_some_and(|presence| presence.takes_on(date)) {
        let (zh, en) = ("该事项当日未进驻该大厅", "the hall does not take the item on that day");
        return Err(Refusal::state("ITEM_NOT_PRESENT", zh, en));
    }
    Ok(())
}

/// 单独同意: every ground but age says something of a person's health or standing (个人信息保护法 arts. 28, 29).
fn consented(ground: Option<Ground>, consents: bool) -> Result<(), Refusal> {
    if consents || ground.is_none_or(|ground| ground == Ground::Elderly) {
        return Ok(());
    }
    let (zh, en) = (
        "处理敏感个人信息应当取得本人的单独同意（个人信息保护法第二十九条）",
        "the use of sensitive data needs a separate consent (PIPL art. 29)",
    );
    Err(Refusal::field("consent_sensitive", "CONSENT_MISSING", zh, en))
}

/// 上门服务: to whom, where.
fn at_home(
    kind: SlotKind,
    ground: Option<Ground>,
    address: Option<&Personal>,
    group: &WindowGroup,
    (visitor, date): (&Party, NaiveDate),
) -> Result<(), Refusal> {
    if kind != SlotKind::HomeVisit {
        return Ok(());
    }
    if address.is_none() {
        return Err(Refusal::field("address", "ADDRESS_MISSING", "请填写上门地址", "say where the visit goes"));
    }
    let Some(ground) = ground else {
        let (zh, en) = ("请说明申请上门服务的情形", "say why a visit at home is asked for");
        return Err(Refusal::field("ground", "GROUND_MISSING", zh, en));
    };
    if !group.home_visits_for.is_empty() && !group.home_visits_for.contains(&ground) {
        let (zh, en) = ("该情形不在上门服务范围", "the group visits nobody on this ground");
        return Err(Refusal::field("ground", "GROUND_NOT_SERVED", zh, en));
    }
    if ground == Ground::Elderly && !is_elderly(visitor, date) {
        let (zh, en) = ("证件显示未满六十周岁", "the document says under 60");
        return Err(Refusal::field("ground", "GROUND_NOT_MET", zh, en));
    }
    Ok(())
}

impl Appointments {
    /// The appointment as the caller sees it; what they may not see is not there.
    async fn seen(&self, caller: &Caller, id: &str) -> Result<(Read<Appointment>, Booking, Place), Refusal> {
        let id = StreamId::parse("id", id)?;
        let read = self.0.ledger.get::<Appointment>(id, &caller.audiences()).await?;
        let read = read.ok_or_else(appointment::not_found)?;
        match (read.state.booking.clone(), read.state.place.clone()) {
            (Some(booking), Some(place)) => Ok((read, booking, place)),
            _ => Err(appointment::not_found()),
        }
    }

    /// What the visitor's other appointments say to a place, as far as it is known before it is taken.
    async fn objection(&self, owner: &Party, claim: &Claim, terms: Terms) -> Result<(), Refusal> {
        let read = self.0.ledger.get::<Visitor>(visitor::stream(&owner.subject), &Audiences::all()).await?;
        let known = read.map(|read| (*read.state).clone()).unwrap_or_default();
        known.objection(claim, terms, self.0.now()).map_or(Ok(()), |why| Err(why.refusal()))
    }

    fn shown(&self, caller: &Caller, done: &Committed<Appointment>) -> pb::Appointment {
        show::appointment(done.stream, done.version, &done.state, reader(caller))
    }

    /// The time of a place, as the day would have it.
    fn claim(&self, published: &Published, take: &Take, date: NaiveDate) -> Claim {
        let plan = self.0.fresh(published, date).plan;
        let end = plan.slot(take.kind, take.start).map_or(take.start, |slot| slot.end);
        let (from, until) = (take.start.on(date), end.on(date));
        let hall = published.group.0.hall.clone();
        Claim { appointment: take.appointment, turn: take.turn, hall, from, until }
    }

    async fn take<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        (rpc, target, request_id): (&'static str, &str, &str),
        published: Published,
        date: NaiveDate,
        (take, stands): (Take, Result<(), Refusal>),
    ) -> Result<Committed<Appointment>, Fault> {
        let call = incoming.call(rpc, target, request_id)?;
        let (fresh, rules) = (self.0.fresh(&published, date), published.rules.0.clone());
        // whatever does not hang on the day's places is said in the rule too: a repeated request is answered as then
        let rule = move |day: &crate::queue::Day, cx: &Context| {
            stands.clone()?;
            seats::book(day, &fresh, &rules, &take, cx)
        };
        let (.., app) = self.0.on_day(&published, date, call, &incoming.trace, rule).await?;
        Ok(app.ok_or_else(appointment::not_found)?)
    }

    async fn book(&self, incoming: Incoming<pb::BookAppointmentRequest>) -> Result<pb::Appointment, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let (date, kind) = (words::day("date", &message.date)?, words::kind(message.kind()));
        let hall = self.0.hall(&message.hall_code).await?;
        let published = self.0.published(&hall.code, &message.group_code).await?;
        let appointment = new_stream_id();
        let vault = self.0.ledger.vault();
        let fallback = vault.lookup("appointment", &appointment.to_string());
        let sealing = Sealing { vault, fallback: &fallback, now: self.0.now() };
        let party = message.visitor.clone().unwrap_or_default();
        let visitor =
            sealing.visitor(&party)?.filter(|one| one.is_identified() && one.name.is_some() && one.phone.is_some());
        let Some(visitor) = visitor else {
            let (zh, en) =
                ("预约人姓名、证件和联系电话必须填写", "the visitor's name, document and telephone are needed");
            return Err(Refusal::field("visitor", "VISITOR_INCOMPLETE", zh, en).into());
        };
        if !caller.is_staff() && caller.subject.as_ref() != Some(&visitor.subject) {
            let (zh, en) =
                ("只能为本人预约；代他人预约请致电大厅或到窗口", "book for yourself: for somebody else call the hall");
            return Err(Refusal::state("NOT_YOURSELF", zh, en).into());
        }
        self.0.gate.allow(&caller, "BookAppointment", &of_hall(visitor.subject.as_str(), &hall.region))?;
        let item = self.0.item(message.item_code.trim()).await?;
        let presence = self.0.presence(&hall.code, &item.facts.code).await?;
        let address = ask::text("address", &message.address, 0, 300, "FIELD_INVALID")?;
        let address = (!address.is_empty()).then(|| Personal::new(&visitor.subject, "visit.address", address));
        let (ground, group) = (words::ground(message.ground()), &published.group.0);
        let sealed = ground.map(|ground| Personal::new(&visitor.subject, "visit.ground", <&str>::from(ground)));
        consented(ground, message.consent_sensitive)?;
        let stands = bookable(&item, presence.as_ref(), group, date)
            .and_then(|()| at_home(kind, ground, address.as_ref(), group, (&visitor, date)));
        let booking = Booking {
            hall: hall.code.clone(),
            region: hall.region.clone(),
            item: item.facts.code.clone(),
            item_name: item.facts.name.clone(),
            kind,
            visitor: visitor.clone(),
            address: address.filter(|_| kind == SlotKind::HomeVisit),
            ground: sealed,
        };
        let take = Take {
            appointment,
            turn: 0,
            kind,
            start: words::clock("start_time", &message.start_time)?,
            item: item.facts.code.clone(),
            owner: visitor.subject.clone(),
            booking: Some(Box::new(booking)),
            from: None,
            terms: Terms { open_bookings: published.rules.0.open_bookings, online: !caller.is_staff() },
            by: ask::acting(&caller).actor,
        };
        let claim = self.claim(&published, &take, date);
        let stands = match stands {
            Ok(()) => self.objection(&visitor, &claim, take.terms).await,
            refused => refused,
        };
        let write = ("BookAppointment", "", message.request_id.as_str());
        let done = self.take(&incoming, write, published, date, (take, stands)).await?;
        Ok(self.shown(&caller, &done))
    }

    async fn change(&self, incoming: Incoming<pb::MoveAppointmentRequest>) -> Result<pb::Appointment, Fault> {
        let (caller, message) = (incoming.caller.clone(), &incoming.message);
        let (read, booking, from) = self.seen(&caller, &message.id).await?;
        let owner = &booking.visitor;
        self.0.gate.allow(&caller, "MoveAppointment", &of_hall(owner.subject.as_str(), &booking.region))?;
        let (date, start) = (words::day("date", &message.date)?, words::clock("start_time", &message.start_time)?);
        let group = Some(message.group_code.trim()).filter(|code| !code.is_empty()).unwrap_or(&from.group);
        let published = self.0.published(&booking.hall, group).await?;
        let take = Take {
            appointment: read.stream,
            turn: read.state.turn + 1,
            kind: booking.kind,
            start,
            item: booking.item.clone(),
            owner: owner.subject.clone(),
            booking: None,
            from: Some(from.clone()),
            terms: Terms { open_bookings: published.rules.0.open_bookings, online: !caller.is_staff() },
            by: ask::acting(&caller).actor,
        };
        let expected = wire::expected_version(&message.etag)?;
        let claim = self.claim(&published, &take, date);
        let stands = async {
            if expected.is_some_and(|version| version != read.version) {
                return Err(wire::contract_word(Refusal { reason: "STALE_VERSION", ..visitor::moved_meanwhile() }));
            }
            if !read.state.phase.is_open() || !read.state.ticket.is_empty() {
                return Err(appointment::not_open());
            }
            if self.0.now() >= from.begins() {
                return Err(appointment::begun());
            }
            if (from.group.as_str(), from.date, from.start) == (group, date, start) {
                return Err(same_place());
            }
            let item = self.0.item(&booking.item).await?;
            let presence = self.0.presence(&booking.hall, &booking.item).await?;
            bookable(&item, presence.as_ref(), &published.group.0, date)?;
            self.objection(owner, &claim, take.terms).await
        };
        let stands = stands.await;
        let target = read.stream.to_string();
        let write = ("MoveAppointment", target.as_str(), message.request_id.as_str());
        let done = self.take(&incoming, write, published, date, (take, stands)).await?;
        Ok(self.shown(&caller, &done))
    }

    /// A command on an appointment itself, and what follows from it.
    async fn act<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        (id, request_id, etag): (&str, &str, &str),
        rule: impl Fn(&Appointment, &Context) -> Decision<AppointmentEvent> + Send + Sync + 'static,
    ) -> Result<pb::Appointment, Fault> {
        let id = StreamId::parse("id", id)?;
        let mut call = incoming.call(rpc, &id.to_string(), request_id)?;
        call.expected_version = wire::expected_version(etag)?;
        let (gate, caller, audiences) = (self.0.gate.clone(), incoming.caller.clone(), incoming.caller.audiences());
        let rule = move |app: &Appointment, cx: &Context| {
            let booking = app.booking.as_ref().filter(|_| audiences.meets(&app.tags()));
            let booking = booking.ok_or_else(appointment::not_found)?;
            gate.allow(&caller, rpc, &of_hall(booking.visitor.subject.as_str(), &booking.region))?;
            rule(app, cx)
        };
        let own = super::reception::Own::of(&call);
        let done = self.0.ledger.execute::<Appointment>(id, call, rule).await.map_err(wire::contract_word)?;
        let entries = self.0.ledger.history(id, done.version.saturating_sub(1), 1).await?;
        if let Some(entry) = entries.first().filter(|entry| own.wrote(entry)) {
            let event = self.0.ledger.decode::<Appointment>(entry).await?;
            let after = After::new(&self.0.ledger, entry.hash, &incoming.trace);
            after.appointment(id, &done.state, &event).await?;
        }
        Ok(self.shown(&incoming.caller, &done))
    }

    async fn cancel(&self, incoming: Incoming<pb::CancelAppointmentRequest>) -> Result<pb::Appointment, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let rule = move |app: &Appointment, cx: &Context| appointment::cancel(app, &by, cx);
        self.act(&incoming, "CancelAppointment", (&message.id, &message.request_id, &message.etag), rule).await
    }

    async fn appeal(&self, incoming: Incoming<pb::AppealNoShowRequest>) -> Result<pb::Appointment, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let (_, booking, _) = self.seen(&incoming.caller, &message.id).await?;
        let reason = ask::text("reason", &message.reason, 1, 500, "REASON_MISSING")?;
        let reason = Personal::new(&booking.visitor.subject, "appeal", reason);
        let rule = move |app: &Appointment, _: &Context| appointment::appeal(app, &reason, &by);
        self.act(&incoming, "AppealNoShow", (&message.id, &message.request_id, &message.etag), rule).await
    }

    async fn excuse(&self, incoming: Incoming<pb::ExcuseNoShowRequest>) -> Result<pb::Appointment, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let (_, booking, _) = self.seen(&incoming.caller, &message.id).await?;
        let reason = ask::text("reason", &message.reason, 1, 200, "REASON_MISSING")?;
        let reason = Personal::new(&booking.visitor.subject, "excuse", reason);
        let rule = move |app: &Appointment, _: &Context| appointment::excuse(app, &reason, &by);
        self.act(&incoming, "ExcuseNoShow", (&message.id, &message.request_id, &message.etag), rule).await
    }

    /// A command on the appointment's place.
    async fn at_its_place<T: serde::Serialize>(
        &self,
        incoming: &Incoming<T>,
        rpc: &'static str,
        (id, request_id): (&str, &str),
        rule: impl Fn(&crate::queue::Day, Booked, &Booking, &Context) -> Decision<crate::queue::DayEvent>
        + Send
        + Sync
        + 'static,
    ) -> Result<pb::Appointment, Fault> {
        let caller = &incoming.caller;
        let (read, booking, place) = self.seen(caller, id).await?;
        self.0.gate.allow(caller, rpc, &of_hall(booking.visitor.subject.as_str(), &booking.region))?;
        let call = incoming.call(rpc, &read.stream.to_string(), request_id)?;
        let published = self.0.published(&booking.hall, &place.group).await?;
        let booked = Booked { appointment: read.stream, turn: read.state.turn };
        let rule = move |day: &crate::queue::Day, cx: &Context| rule(day, booked, &booking, cx);
        let (.., app) = self.0.on_day(&published, place.date, call, &incoming.trace, rule).await?;
        Ok(self.shown(caller, &app.ok_or_else(appointment::not_found)?))
    }

    async fn check_in(&self, incoming: Incoming<pb::CheckInAppointmentRequest>) -> Result<pb::Appointment, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        // which hall's clerk it must be, the policy says
        let named = green(message.ground(), incoming.caller.is_staff())?;
        let rule = move |day: &crate::queue::Day, booked: Booked, booking: &Booking, cx: &Context| {
            let elderly = day.date.is_some_and(|date| is_elderly(&booking.visitor, date));
            let green = named.clone().or_else(|| elderly.then(Green::default));
            seats::check_in(day, booked, green.as_ref(), &by, cx)
        };
        self.at_its_place(&incoming, "CheckInAppointment", (&message.id, &message.request_id), rule).await
    }

    async fn report(&self, incoming: Incoming<pb::ReportHomeVisitRequest>) -> Result<pb::Appointment, Fault> {
        let (message, by) = (&incoming.message, ask::acting(&incoming.caller).actor);
        let nobody = message.nobody_home;
        let rule = move |day: &crate::queue::Day, booked: Booked, _: &Booking, cx: &Context| {
            seats::report_visit(day, booked, nobody, &by, cx)
        };
        self.at_its_place(&incoming, "ReportHomeVisit", (&message.id, &message.request_id), rule).await
    }

    async fn get(&self, incoming: Incoming<pb::GetAppointmentRequest>) -> Result<pb::Appointment, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "GetAppointment", &of_hall("", ""))?;
        let (read, ..) = self.seen(caller, &incoming.message.id).await?;
        if caller.is_staff() {
            let call = incoming.read_call("GetAppointment", &read.stream.to_string());
            self.0.ledger.record_read(call, read.stream, "GetAppointment").await?;
        }
        Ok(show::appointment(read.stream, read.version, &read.state, reader(caller)))
    }

    async fn list(
        &self,
        incoming: Incoming<pb::ListAppointmentsRequest>,
    ) -> Result<pb::ListAppointmentsResponse, Fault> {
        let (caller, message) = (&incoming.caller, &incoming.message);
        self.0.gate.allow(caller, "ListAppointments", &of_hall("", ""))?;
        let mut filters: Vec<(&'static str, String)> = Vec::new();
        let (hall, group) = (message.hall_code.trim(), message.group_code.trim());
        match (hall, group) {
            ("", "") => {}
            ("", _) => {
                let (zh, en) = ("按窗口组查询应指明大厅", "name the hall of the group");
                return Err(Refusal::field("hall_code", "FIELD_INVALID", zh, en).into());
            }
            (hall, "") => filters.push(("hall", hall.to_owned())),
            (hall, group) => filters.push(("group", crate::queue::group_tag(hall, group))),
        }
        if !message.date.is_empty() {
            filters.push(("date", words::day("date", &message.date)?.to_string()));
        }
        filters.extend(show::phase_tag(message.phase()).map(|phase| ("phase", phase.to_owned())));
        if message.appealed {
            filters.push(("appealed", "yes".to_owned()));
        }
        let query = ListQuery {
            filters,
            page_size: wire::page_size(message.page_size)?,
            page_token: message.page_token.clone(),
        };
        let page = self.0.ledger.list::<Appointment>(&query, &caller.audiences()).await?;
        let shown = |read: &Read<Appointment>| show::summary(read.stream, read.version, &read.state, reader(caller));
        let appointments = page.items.iter().map(shown).collect();
        Ok(pb::ListAppointmentsResponse { appointments, next_page_token: page.next_page_token })
    }

    async fn standing(&self, incoming: Incoming<pb::GetBookingStandingRequest>) -> Result<pb::BookingStanding, Fault> {
        let caller = &incoming.caller;
        self.0.gate.allow(caller, "GetBookingStanding", &of_hall("", ""))?;
        let hall = self.0.hall(&incoming.message.hall_code).await?;
        let (rules, _) = Published::rules(&self.0.ledger, &hall.code).await?;
        let own = matches!(caller.kind, CallerKind::Person | CallerKind::Company);
        let known = match caller.subject.as_ref().filter(|_| own) {
            Some(subject) => self.0.ledger.get::<Visitor>(visitor::stream(subject), &caller.audiences()).await?,
            None => None,
        };
        let known = known.map(|read| (*read.state).clone()).unwrap_or_default();
        Ok(show::standing(&known, &hall.code, rules.no_show, self.0.now()))
    }
}

/// `SAME_PLACE`.
pub(super) fn same_place() -> Refusal {
    Refusal::state("SAME_PLACE", "与原来相同", "that is where it is")
}

#[tonic::async_trait]
impl AppointmentService for Appointments {
    async fn book_appointment(&self, request: Request<pb::BookAppointmentRequest>) -> Reply<pb::Appointment> {
        reply(self.book(receive(request)?).await)
    }

    async fn move_appointment(&self, request: Request<pb::MoveAppointmentRequest>) -> Reply<pb::Appointment> {
        reply(self.change(receive(request)?).await)
    }

    async fn cancel_appointment(&self, request: Request<pb::CancelAppointmentRequest>) -> Reply<pb::Appointment> {
        reply(self.cancel(receive(request)?).await)
    }

    async fn check_in_appointment(&self, request: Request<pb::CheckInAppointmentRequest>) -> Reply<pb::Appointment> {
        reply(self.check_in(receive(request)?).await)
    }

    async fn report_home_visit(&self, request: Request<pb::ReportHomeVisitRequest>) -> Reply<pb::Appointment> {
        reply(self.report(receive(request)?).await)
    }

    async fn appeal_no_show(&self, request: Request<pb::AppealNoShowRequest>) -> Reply<pb::Appointment> {
        reply(self.appeal(receive(request)?).await)
    }

    async fn excuse_no_show(&self, request: Request<pb::ExcuseNoShowRequest>) -> Reply<pb::Appointment> {
        reply(self.excuse(receive(request)?).await)
    }

    async fn get_appointment(&self, request: Request<pb::GetAppointmentRequest>) -> Reply<pb::Appointment> {
        reply(self.get(receive(request)?).await)
    }

    async fn list_appointments(
        &self,
        request: Request<pb::ListAppointmentsRequest>,
    ) -> Reply<pb::ListAppointmentsResponse> {
        reply(self.list(receive(request)?).await)
    }

    async fn get_booking_standing(
        &self,
        request: Request<pb::GetBookingStandingRequest>,
    ) -> Reply<pb::BookingStanding> {
        reply(self.standing(receive(request)?).await)
    }
}
