//! The stream's actor: one task a live stream, which decides its commands one after another, in memory, on the state
//! that the one before left, even while that one is still being written. It answers nothing before the writer's verdict.
//! A stream that only begins hardly anybody else knows: its first command is decided where it was asked, without a task that would
//! wait for a second one.
//!
//! Invariant: `pending` is a chain; each link was decided on the state of the link before it. When a link does not hold,
//! everything behind it is decided again. What two decide on one stream without knowing of each other, the writer never puts
//! into one chain.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use yiwang_standards::sm::sm3;

use crate::aggregate::{Aggregate, Call, Committed, Context, Decision, EventName, Meta};
use crate::batch::{Answer, Command, Item, NewEntry, NewRecord, Verdict};
use crate::entry::{hash_of, stored_kind};
use crate::ledger::Core;
use crate::personal::KeyRing;
use crate::refusal::{Kind, Refusal};
use crate::snapshot::{Snapshot, is_told_by_its_entry, tags_of};
use crate::turned_away::{
    contended, deadline_exceeded, internal, queue_full, request_id_reused, shutting_down, stale_version, store_full,
    taken, too_large,
};
use crate::vault::EncodeError;
use crate::{Hash, StreamId, Tag, Timestamp, UniqueKey};

/// A rule with its command inside: decides on a state, as often as need be.
pub(crate) type Rule<A> = Arc<dyn Fn(&A, &Context) -> Decision<<A as Aggregate>::Event> + Send + Sync>;

type Reply<A> = oneshot::Sender<Result<Committed<A>, Refusal>>;

/// A command on its way to the actor.
pub(crate) struct Job<A: Aggregate> {
    pub call: Call,
    pub rule: Rule<A>,
    pub reply: Reply<A>,
    pub losses: u32,
}

/// A command that was decided and waits for its verdict.
struct Pending<A: Aggregate> {
    job: Job<A>,
    sequence: u64,
    command: Arc<Command>,
    /// Answered instead of the state, once the check holds.
    refusal: Option<Refusal>,
    after: Snapshot<A>,
    /// The same request again, while this one is in flight: answered by its end.
    followers: Vec<Job<A>>,
}

const QUEUE: usize = 1024;
/// Commands of one stream in flight at a time; more wait in the queue.
const PENDING: usize = 512;
const IDLE: Duration = Duration::from_secs(1);
/// What is in memory is read again after this long, since another process may have erased somebody meanwhile. A key is
/// remembered as long again, so that within a minute nobody sees what was erased.
pub(crate) const FRESH: Duration = Duration::from_secs(30);
/// Live states above this are dropped as soon as they are idle.
const LIVE_BYTES: usize = 128 << 20;
const ENTRY_LIMIT: usize = 64 << 10;
const STATE_LIMIT: usize = 256 << 10;
/// A state below this is rewritten at every commit after the first; a larger one every [`STATE_EVERY`] versions.
const STATE_SMALL: usize = 8 << 10;
const STATE_EVERY: u64 = 64;
const MAX_LOSSES: u32 = 10;

/// The live actors of one kind of aggregate.
pub(crate) struct Registry<A: Aggregate> {
    shards: Vec<Mutex<HashMap<StreamId, mpsc::Sender<Box<Job<A>>>>>>,
}

impl<A: Aggregate> Registry<A> {
    pub fn new() -> Self {
        Self { shards: (0..32).map(|_| Mutex::default()).collect() }
    }

    fn shard(&self, stream: StreamId) -> &Mutex<HashMap<StreamId, mpsc::Sender<Box<Job<A>>>>> {
        &self.shards[usize::from(stream.0.as_bytes()[15]) % self.shards.len()]
    }

    /// Hands the command to its stream's actor, which is started where it is not live.
    pub fn send(self: &Arc<Self>, core: &Arc<Core>, stream: StreamId, job: Job<A>) -> Result<(), Refusal> {
        let job = Box::new(job);
        let mut live = self.shard(stream).lock().unwrap_or_else(PoisonError::into_inner);
        let job = match live.get(&stream) {
            Some(actor) => match actor.try_send(job) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(_)) => return Err(queue_full()),
                // the actor before was ended by a panic: a new one takes its place
                Err(mpsc::error::TrySendError::Closed(job)) => job,
            },
            None => job,
        };
        let (sender, queue) = mpsc::channel(QUEUE);
        let _ = sender.try_send(job);
        live.insert(stream, sender);
        core.tasks.spawn(Actor::new(core.clone(), stream, None).run(self.clone(), queue));
        Ok(())
    }
}

/// Decides the first command of a stream, as of what is most likely not there yet; done when it was answered, or will be by whoever looks up
/// what the same request did before.
pub(crate) async fn begin<A: Aggregate>(core: &Arc<Core>, stream: StreamId, job: Job<A>) {
    let mut actor = Actor::new(core.clone(), stream, Some(Snapshot::absent(stream)));
    let began = actor.loaded;
    actor.again.push_back(job);
    loop {
        if let Some(job) = actor.again.pop_front() {
            actor.decide(job).await;
        } else if actor.pending.is_empty() {
            // whoever acts on it, or reads it, mostly does so soon; what was there already is not made younger than it is
            let begun = actor.loaded == began && began.elapsed() < FRESH;
            if let Some(stands) = actor.committed.as_ref().filter(|stands| begun && stands.version > 0) {
                core.keep(stream, (actor.erasures, began), stands);
            }
            return;
        } else if let Some(answer) = actor.verdicts.recv().await {
            actor.settle(*answer);
        }
    }
}

/// What an actor waits for.
enum Woken<A: Aggregate> {
    Job(Box<Job<A>>),
    /// It was settled; there may be something to decide again.
    Verdict,
    /// Nothing for a while, or the process ends.
    Idle,
    /// Nobody can send to it any more.
    End,
}

struct Actor<A: Aggregate> {
    core: Arc<Core>,
    stream: StreamId,
    verdicts: mpsc::UnboundedReceiver<Box<Answer>>,
    verdict_sender: mpsc::UnboundedSender<Box<Answer>>,
    committed: Option<Snapshot<A>>,
    pending: VecDeque<Pending<A>>,
    /// Decided again before anything new.
    again: VecDeque<Job<A>>,
    generation: u64,
    shared_generation: Arc<AtomicU64>,
    sequence: u64,
    bytes: usize,
    /// What is in memory was read before an erasure and may show what was erased.
    erasures: u64,
    loaded: Instant,
}

impl<A: Aggregate> Actor<A> {
    fn new(core: Arc<Core>, stream: StreamId, committed: Option<Snapshot<A>>) -> Self {
        let (verdict_sender, verdicts) = mpsc::unbounded_channel();
        let erasures = core.vault.erasures();
        Self {
            core,
            stream,
            verdicts,
            verdict_sender,
            committed,
            pending: VecDeque::new(),
            again: VecDeque::new(),
            generation: 0,
            shared_generation: Arc::default(),
            sequence: 0,
            bytes: 0,
            erasures,
            loaded: Instant::now(),
        }
    }

    async fn run(mut self, registry: Arc<Registry<A>>, mut queue: mpsc::Receiver<Box<Job<A>>>) {
        loop {
            let next = match self.again.pop_front() {
                Some(job) => Some(job),
                None => match self.wait(&mut queue).await {
                    Woken::Job(job) => Some(*job),
                    Woken::Verdict => None,
                    Woken::Idle if self.retire(&registry, &queue) => return,
                    Woken::Idle => None,
                    Woken::End => return,
                },
            };
            if let Some(job) = next {
                self.decide(job).await;
            }
        }
    }

    /// Until there is something to do; a verdict is settled at once.
    async fn wait(&mut self, queue: &mut mpsc::Receiver<Box<Job<A>>>) -> Woken<A> {
        let idle = self.pending.is_empty();
        let patience = self.patience();
        tokio::select! {
            biased;
            Some(answer) = self.verdicts.recv() => {
                self.settle(*answer);
                Woken::Verdict
            }
            job = queue.recv(), if self.pending.len() < PENDING => job.map_or(Woken::End, Woken::Job),
            () = self.core.shutdown.cancelled(), if idle => Woken::Idle,
            () = tokio::time::sleep(patience), if idle => Woken::Idle,
        }
    }

    /// How long an idle stream stays in memory.
    fn patience(&self) -> Duration {
        if self.core.live_bytes.load(Ordering::Relaxed) > LIVE_BYTES { Duration::ZERO } else { IDLE }
    }

    /// Leaves the registry, unless a command came in meanwhile.
    fn retire(&self, registry: &Registry<A>, queue: &mpsc::Receiver<Box<Job<A>>>) -> bool {
        let mut live = registry.shard(self.stream).lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = queue.is_empty();
        if quiet {
            live.remove(&self.stream);
        }
        quiet
    }

    /// Decides a command on the last pending state and sends what came out to the writer.
    async fn decide(&mut self, job: Job<A>) {
        if job.reply.is_closed() || job.call.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            let _ = job.reply.send(Err(deadline_exceeded()));
            return;
        }
        let same = |pending: &&mut Pending<A>| {
            pending.job.call.principal == job.call.principal && pending.job.call.request_id == job.call.request_id
        };
        if let Some(pending) = self.pending.iter_mut().find(same) {
            pending.followers.push(job);
            return;
        }
        if let Err(refusal) = self.ensure_loaded().await {
            let _ = job.reply.send(Err(refusal));
            return;
        }
        let Some(base) = self.pending.back().map(|pending| &pending.after).or(self.committed.as_ref()).cloned() else {
            return;
        };
        match self.prepare(&job, &base).await {
            Ok((command, after, refusal)) => self.send(job, command, after, refusal).await,
            Err(refusal) => {
                let _ = job.reply.send(Err(refusal));
            }
        }
    }

    async fn ensure_loaded(&mut self) -> Result<(), Refusal> {
        let erasures = self.core.vault.erasures();
        if self.pending.is_empty() && (erasures != self.erasures || self.loaded.elapsed() > FRESH) {
            self.committed = None;
            self.erasures = erasures;
        }
        if self.committed.is_none() {
            let (committed, since) = self.core.load_to_write::<A>(self.stream).await?;
            (self.committed, self.loaded) = (Some(committed), since);
        }
        Ok(())
    }

    /// Runs the rule and encodes what it decided. The outer error is answered at once: the store is away.
    async fn prepare(
        &self,
        job: &Job<A>,
        base: &Snapshot<A>,
    ) -> Result<(Command, Snapshot<A>, Option<Refusal>), Refusal> {
        let at = Timestamp(self.core.host.now().0.max(base.updated_at.0));
        let call = &job.call;
        let context = Context {
            now: at,
            actor: call.actor.clone(),
            version: base.version,
            calendar: self.core.host.calendar(),
            seed: call.seed,
        };
        let decided = if call.expected_version.is_some_and(|expected| expected != base.version) {
            Err(stale_version(base.version))
        } else {
            catch_unwind(AssertUnwindSafe(|| (job.rule)(&base.state, &context)))
                .unwrap_or_else(|_| Err(self.panicked(&call.trace, "decide")))
        };
        let mut command = Command {
            stream: self.stream,
            expect: base.version,
            tip: base.tip,
            principal: call.principal.clone(),
            request: call.request_id.clone(),
            fingerprint: call.fingerprint,
            actor: call.actor.clone(),
            trace: call.trace.clone(),
            at,
            entries: Vec::new(),
            record: None,
            keys: Vec::new(),
            tags: Vec::new(),
            erased: Vec::new(),
        };
        match decided {
            Err(refusal) => Ok((command, base.clone(), Some(refusal))),
            Ok(events) if events.is_empty() => Ok((command, base.clone(), None)),
            Ok(events) => match self.write(&mut command, base, &events).await {
                Ok(after) => Ok((command, after, None)),
                Err(refusal) if refusal.kind == Kind::Unavailable => Err(refusal),
                // too large for this state, or a bug on this state: as true as the state is
                Err(refusal) => Ok((command.into_check(), base.clone(), Some(refusal))),
            },
        }
    }

    /// Fills the command with entries, the record and the differences, and answers the state after it.
    async fn write(
        &self,
        command: &mut Command,
        base: &Snapshot<A>,
        events: &[A::Event],
    ) -> Result<Snapshot<A>, Refusal> {
        let mut state = A::clone(&base.state);
        let (mut version, mut tip) = (base.version, base.tip);
        let mut ring = KeyRing::new();
        for event in events {
            version += 1;
            let kind = stored_kind(A::KIND, event.name());
            let body = self.encode(&mut ring, command, version, event).await?;
            if body.len() > ENTRY_LIMIT {
                return Err(too_large("ENTRY_TOO_LARGE", body.len(), ENTRY_LIMIT));
            }
            let who = (command.actor.as_str(), command.principal.as_str(), command.request.as_str());
            let hash = hash_of(tip, self.stream, version, &kind, command.at, who, Hash(sm3(&body)));
            command.entries.push(NewEntry { version, kind, body, prev: tip, hash });
            tip = hash;
            let meta = Meta { at: command.at, actor: command.actor.clone(), version };
            let erased;
            (state, erased) = self.guarded(command, "evolve", move || {
                state.evolve(event, &meta);
                (state, A::erases(event))
            })?;
            command.erased.extend(erased);
        }
        let (tags, keys, index) = self.guarded(command, "tags", || (tags_of(&state), state.keys(), state.index()))?;
        check_text(&tags, &keys)?;
        command.tags = difference(&base.tags, &tags);
        command.keys = difference(&base.keys, &keys);
        let (mut stored, mut bytes) = (None, command.entries.iter().map(|entry| entry.body.len()).sum());
        if !is_told_by_its_entry(version) {
            let encoded = self.encode(&mut ring, command, version, &state).await?;
            bytes = encoded.len();
            if bytes > STATE_LIMIT {
                return Err(too_large("STATE_TOO_LARGE", bytes, STATE_LIMIT));
            }
            let is_due = base.state_version == 0 || bytes < STATE_SMALL || version - base.state_version >= STATE_EVERY;
            stored = is_due.then_some(encoded);
        }
        let state_version = if stored.is_some() { version } else { base.state_version };
        command.record = Some(NewRecord { kind: A::KIND, schema: A::SCHEMA, state: stored, index });
        Ok(Snapshot {
            stream: self.stream,
            version,
            tip,
            state_version,
            created_at: if base.version == 0 { command.at } else { base.created_at },
            updated_at: command.at,
            state: Arc::new(state),
            bytes,
            tags: Arc::new(tags),
            keys: Arc::new(keys),
        })
    }

    async fn encode<T: serde::Serialize + Sync>(
        &self,
        ring: &mut KeyRing,
        command: &Command,
        version: u64,
        body: &T,
    ) -> Result<Vec<u8>, Refusal> {
        self.core.vault.encode(ring, self.stream, version, body).await.map_err(|error| match error {
            EncodeError::Store(error) => crate::store_refusal(error),
            EncodeError::Body(error) => internal(&command.trace, &error.to_string()),
        })
    }

    async fn send(&mut self, job: Job<A>, command: Command, after: Snapshot<A>, refusal: Option<Refusal>) {
        self.sequence += 1;
        let command = Arc::new(command);
        let item = Item {
            command: command.clone(),
            sequence: self.sequence,
            generation: self.generation,
            current_generation: self.shared_generation.clone(),
            verdicts: self.verdict_sender.clone(),
            since: Instant::now(),
        };
        if self.core.writer.send(item).await.is_err() {
            let _ = job.reply.send(Err(shutting_down()));
            return;
        }
        let sequence = self.sequence;
        self.pending.push_back(Pending { job, sequence, command, refusal, after, followers: Vec::new() });
    }

    /// One verdict, for the front of the chain: verdicts come in order. One of a chain that was taken back says nothing.
    fn settle(&mut self, Answer { generation, sequence, verdict }: Answer) {
        if generation != self.generation {
            return;
        }
        let Some(front) = self.pending.pop_front_if(|front| front.sequence == sequence) else { return };
        match verdict {
            Verdict::Ok => self.accept(front),
            Verdict::Replay { hash, .. } if front.command.writes() && hash == front.command.new_tip() => {
                self.accept(front)
            }
            Verdict::Replay { stream, version, fingerprint, hash } => {
                self.rewind();
                if fingerprint == front.job.call.fingerprint {
                    tokio::spawn(answer_replay(self.core.clone(), front.job.reply, stream, version, hash));
                } else {
                    let _ = front.job.reply.send(Err(request_id_reused()));
                }
                self.again.extend(front.followers);
            }
            Verdict::Unique { scope } => {
                let refusal = taken(&scope, &front.command);
                self.refuse(front, refusal);
            }
            Verdict::Version => {
                self.rewind();
                self.committed = None;
                let losses = front.job.losses + 1;
                self.decide_again(front, losses);
            }
            Verdict::Skipped | Verdict::Stale => {
                self.rewind();
                let losses = front.job.losses;
                self.decide_again(front, losses);
            }
            Verdict::Failed => {
                let refusal = internal(&front.job.call.trace, "the store refused the command");
                self.refuse(front, refusal);
            }
            Verdict::Full => self.refuse(front, store_full()),
            Verdict::Unknown => self.refuse(front, deadline_exceeded()),
        }
    }

    /// The command was not written, and that is the answer.
    fn refuse(&mut self, front: Pending<A>, refusal: Refusal) {
        self.rewind();
        let _ = front.job.reply.send(Err(refusal));
        self.again.extend(front.followers);
    }

    /// Puts a command back before everything that waits, unless it lost too often.
    fn decide_again(&mut self, front: Pending<A>, losses: u32) {
        for follower in front.followers.into_iter().rev() {
            self.again.push_front(follower);
        }
        let job = Job { losses, ..front.job };
        if losses >= MAX_LOSSES {
            let _ = job.reply.send(Err(contended()));
        } else {
            self.again.push_front(job);
        }
    }

    fn accept(&mut self, front: Pending<A>) {
        for subject in &front.command.erased {
            self.core.vault.forget(subject);
        }
        let bytes = front.after.bytes + 512;
        self.core.live_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.core.live_bytes.fetch_sub(std::mem::replace(&mut self.bytes, bytes), Ordering::Relaxed);
        match front.refusal {
            Some(refusal) => {
                let _ = front.job.reply.send(Err(refusal));
                self.again.extend(front.followers);
            }
            None => {
                let answer = |replayed| Committed {
                    stream: self.stream,
                    state: front.after.state.clone(),
                    version: front.after.version,
                    hash: front.after.tip,
                    at: front.after.updated_at,
                    replayed,
                };
                for follower in front.followers {
                    let same = follower.call.fingerprint == front.job.call.fingerprint;
                    let _ = follower.reply.send(if same { Ok(answer(true)) } else { Err(request_id_reused()) });
                }
                let _ = front.job.reply.send(Ok(answer(false)));
            }
        }
        self.committed = Some(front.after);
    }

    /// Takes back everything that was decided behind a link that did not hold; it is decided again, in order.
    fn rewind(&mut self) {
        self.generation += 1;
        self.shared_generation.store(self.generation, Ordering::Release);
        for pending in self.pending.drain(..).rev() {
            for follower in pending.followers.into_iter().rev() {
                self.again.push_front(follower);
            }
            self.again.push_front(pending.job);
        }
    }

    /// Runs what a service wrote of its aggregate; a panic there is an error of this command alone.
    fn guarded<T>(&self, command: &Command, what: &str, work: impl FnOnce() -> T) -> Result<T, Refusal> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|_| self.panicked(&command.trace, what))
    }

    fn panicked(&self, trace: &str, what: &str) -> Refusal {
        internal(trace, &format!("{what} of {} panicked on stream {}", A::KIND, self.stream))
    }
}

impl<A: Aggregate> Drop for Actor<A> {
    fn drop(&mut self) {
        self.core.live_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// PostgreSQL has no U+0000 in text: refused alike on both engines.
fn check_text(tags: &[Tag], keys: &[UniqueKey]) -> Result<(), Refusal> {
    let fine = tags.iter().all(|tag| !tag.value.contains('\0') && !tag.sort.contains('\0'))
        && keys.iter().all(|key| !key.key.contains('\0'));
    if fine {
        return Ok(());
    }
    Err(Refusal::invalid(
        "TEXT_MALFORMED",
        "内容含有不可用的字符",
        "the content holds a character that cannot be stored",
    ))
}

/// What is in one and not in the other: (true) added, (false) gone.
fn difference<T: Clone + Ord>(before: &[T], after: &[T]) -> Vec<(bool, T)> {
    if before == after {
        return Vec::new();
    }
    let (old, new): (BTreeSet<&T>, BTreeSet<&T>) = (before.iter().collect(), after.iter().collect());
    let gone = old.difference(&new).map(|value| (false, (*value).clone()));
    let added = new.difference(&old).map(|value| (true, (*value).clone()));
    gone.chain(added).collect()
}

/// The answer of an earlier, identical request, rendered from the stream at that version.
async fn answer_replay<A: Aggregate>(core: Arc<Core>, reply: Reply<A>, stream: StreamId, version: u64, hash: Hash) {
    let answer = match core.load_at::<A>(stream, version, Some(hash)).await {
        Ok(Some(then)) => {
            Ok(Committed { stream, state: then.state, version, hash, at: then.updated_at, replayed: true })
        }
        Ok(None) => Err(request_id_reused()),
        Err(refusal) => Err(refusal),
    };
    let _ = reply.send(answer);
}
