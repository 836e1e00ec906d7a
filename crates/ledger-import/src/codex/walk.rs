//! Walking through the rows of a file: what each means follows from those before it.
//!
//! Rows that are a copy of another thread's history only say what holds when the thread's own rows begin: the model, the
//! tier, the counters, how many turns there were.

use std::collections::{BTreeMap, HashMap};

use ledger_core::Timestamp;
use ledger_events::TurnStatus;

use super::SOURCE;
use super::family::{Family, File};
use super::found::{Call, End, Failure, Found, InTurn, Tool, Turn};
use super::row::{Record, Row, Said};
use super::usage::{Counters, Snapshot};
use crate::loose::LoggedMillis;

/// The class of an error that has none.
const UNCLASSIFIED: &str = "unclassified";
/// Shortest id of a tool call that is taken to be unique in the world (`call_DyhFJrJJb2y0MiOOHVP7KaVG`); shorter ones
/// (`call_1`) are unique in their thread at best.
const UNIQUE_ID_CHARS: usize = 20;

/// How often a thread reached some totals: after a restart of its counters it may reach them again.
type Reached = HashMap<Counters, u32>;

/// Walks through all files of a family.
pub(super) fn walk<'a>(family: &Family<'a>) -> Found<'a> {
    let mut found = Found::default();
    let mut reached: BTreeMap<&str, Reached> = BTreeMap::new();
    for file in &family.files {
        let mut walk = Walk::new(family, file, reached.entry(file.thread).or_default());
        for (place, row) in file.facts.rows.iter().enumerate() {
            walk.is_own = place >= file.own;
            walk.row(row, &mut found);
        }
        walk.end_turn_before(&mut found);
        walk.calls.into_iter().for_each(|(key, call)| found.add_call(key, call));
    }
    found
}

/// The key of a call that is the difference of two totals; the same wherever the thread's totals are.
fn key_of_total(thread: &str, total: &Counters, occurrence: u32) -> String {
    let Counters { input, cached, cache_write, output, reasoning } = total;
    let again = if occurrence == 0 { String::new() } else { format!("#{occurrence}") };
    format!("{SOURCE}:{thread}:{input}-{cached}-{cache_write}-{output}-{reasoning}{again}")
}

#[derive(Debug)]
struct Walk<'w, 'a> {
    family: &'w Family<'a>,
    file: &'w File<'a>,
    reached: &'w mut Reached,
    is_own: bool,
    model: Option<&'a str>,
    models: HashMap<&'a str, &'a str>,
    tier: Option<&'a str>,
    turn: Option<Open<'a>>,
    turns: u32,
    snapshot: Option<Snapshot>,
    snapshots: usize,
    has_records: bool,
    /// Since when the model had something to answer.
    asked: Option<Timestamp>,
    /// How often the call that is going on failed.
    failures: u32,
    tools: HashMap<&'a str, (Timestamp, &'a str, InTurn)>,
    calls: Vec<(String, Call<'a>)>,
}

/// A turn that is going on.
#[derive(Debug)]
struct Open<'a> {
    /// The agent's name for it; old versions have none.
    id: Option<&'a str>,
    /// Whether the agent said that it began; then it says as well that it ends.
    is_announced: bool,
    is_own: bool,
    ordinal: u32,
    started: Timestamp,
    last: Option<Timestamp>,
    failed: Option<&'a str>,
    first_call: Option<usize>,
}

impl Open<'_> {
    fn name(&self) -> String {
        self.id.map_or_else(|| format!("turn-{}", self.ordinal), str::to_owned)
    }

    /// The name, if it is one in the world.
    fn key(&self, thread: &str) -> String {
        let name = self.name();
        if uuid::Uuid::try_parse(&name).is_ok() { name } else { format!("{SOURCE}:{thread}:{name}") }
    }
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(family: &'w Family<'a>, file: &'w File<'a>, reached: &'w mut Reached) -> Self {
        Self {
            family,
            file,
            reached,
            is_own: false,
            model: None,
            models: HashMap::new(),
            tier: None,
            turn: None,
            turns: 0,
            snapshot: file.before,
            snapshots: file.snapshots_before,
            has_records: false,
            asked: None,
            failures: 0,
            tools: HashMap::new(),
            calls: Vec::new(),
        }
    }

    fn row(&mut self, row: &'a Row, found: &mut Found<'a>) {
        let Row { time, said } = row;
        match said {
            Said::Session(_) => {}
            Said::Context { turn, model } => self.context(turn.as_deref(), model.as_deref(), *time, found),
            Said::Tier(tier) => self.tier = tier.as_deref(),
            Said::Prompt => {
                self.asked = Some(*time);
                // What the user says while a named turn goes on is a part of it.
                if self.turn.as_ref().is_none_or(|turn| turn.id.is_none() && !turn.is_announced) {
                    self.begin(None, false, *time, found);
                }
            }
            Said::TurnStarted { turn, at } => {
                self.asked = Some(*time);
                self.begin(turn.as_deref(), true, at.filter(|at| at <= time).unwrap_or(*time), found);
            }
            Said::TurnEnded { turn, is_aborted, duration, ttft } => {
                self.end(turn.as_deref(), *is_aborted, (*duration, *ttft), *time, found);
            }
            Said::Count(snapshot) => self.count(snapshot, *time),
            Said::Record(record) => self.record(record, *time),
            Said::ToolAsked { id, tool } => self.tool_asked(id, tool, *time),
            Said::ToolReturned { id, duration, is_ok } => {
                self.asked = Some(*time);
                self.tool_returned(id, *duration, *is_ok, *time, found);
            }
            Said::ToolRan { id, tool, is_ok } => {
                self.tool_asked(id, tool, *time);
                self.tool_returned(id, None, *is_ok, *time, found);
            }
            Said::Failed { class, http_status } => {
                self.failed(class.as_deref().unwrap_or(UNCLASSIFIED), *http_status, *time);
            }
            Said::Retried => self.failures = self.failures.saturating_add(1),
            Said::Limits(limits) if self.is_own => {
                found.limits.extend(limits.iter().map(|limit| (self.file.thread, *time, *limit)));
            }
            Said::Limits(_) => {}
        }
    }

    fn context(&mut self, turn: Option<&'a str>, model: Option<&'a str>, time: Timestamp, found: &mut Found<'a>) {
        self.model = model.or(self.model);
        if let (Some(turn), Some(model)) = (turn, self.model) {
            self.models.insert(turn, model);
        }
        self.asked = Some(time);
        if turn.is_some() {
            self.begin(turn, false, time, found);
        }
    }

    /// Begins a turn, or names the one that is beginning.
    fn begin(&mut self, id: Option<&'a str>, is_announced: bool, time: Timestamp, found: &mut Found<'a>) {
        if let Some(open) = &mut self.turn {
            let is_fresh = open.last.is_none() && (open.id.is_none() || id.is_none()) && id != open.id;
            if is_fresh || (id.is_some() && open.id == id) {
                open.id = open.id.or(id);
                open.is_announced |= is_announced;
                open.is_own = self.is_own;
                return;
            }
        }
        self.end_turn_before(found);
        self.turns = self.turns.saturating_add(1);
        self.turn = Some(Open {
            id,
            is_announced,
            is_own: self.is_own,
            ordinal: self.turns,
            started: time,
            last: None,
            failed: None,
            first_call: None,
        });
    }

    fn add_turn(&self, open: &Open<'a>, end: Option<End>, found: &mut Found<'a>) {
        let (thread, ordinal, started) = (self.file.thread, open.ordinal, open.started);
        found.add_turn(open.key(thread), Turn { thread, id: open.name(), ordinal, started, end });
    }

    /// Ends the turn that was going on when nothing says how it ended. The last one of a file may still go on.
    fn end_turn_before(&mut self, found: &mut Found<'a>) {
        let Some(open) = self.turn.take().filter(|open| open.is_own) else { return };
        self.add_turn(&open, None, found);
    }

    fn end(
        &mut self,
        turn: Option<&'a str>,
        is_aborted: bool,
        (measured, ttft): (Option<LoggedMillis>, Option<LoggedMillis>),
        time: Timestamp,
        found: &mut Found<'a>,
    ) {
        let is_this = |open: &Open<'_>| turn.is_none() || open.id.is_none() || open.id == turn;
        let Some(mut open) = self.turn.take_if(|open| is_this(open)) else { return };
        if !open.is_own {
            return;
        }
        open.id = open.id.or(turn);
        let status = match open.failed {
            _ if is_aborted => TurnStatus::Interrupted,
            Some(_) => TurnStatus::Failed,
            None => TurnStatus::Completed,
        };
        let error_class = open.failed.filter(|_| !is_aborted).map(str::to_owned);
        // The first token of a turn is that of its first call.
        if let Some((_, call)) = open.first_call.and_then(|call| self.calls.get_mut(call)) {
            call.ttft = ttft;
        }
        self.add_turn(&open, Some(End { at: time, status, error_class, measured }), found);
    }

    fn count(&mut self, snapshot: &'a Snapshot, time: Timestamp) {
        let used = snapshot.used(self.snapshot.as_ref(), self.file.is_descendant);
        let position = self.snapshots;
        self.snapshot = Some(*snapshot);
        self.snapshots += 1;
        let Some(used) = used.filter(|_| self.is_own && !self.has_records) else { return };
        let (thread, total) = (self.file.thread, &snapshot.total);
        let reached = self.reached.entry(*total).or_insert(0);
        let key = key_of_total(thread, total, *reached);
        *reached = reached.saturating_add(1);
        let mistaken = self.family.mistaken(thread, total);
        let mistaken = mistaken.into_iter().map(|thread| key_of_total(thread, total, 0)).collect();
        let (turn, model) = (self.in_turn(), self.model);
        self.add_call(key, Call { position, mistaken, ..self.call(thread, turn, model, used, time) });
    }

    /// A record says whose call it is, so a copy of it is the same call.
    fn record(&mut self, record: &'a Record, time: Timestamp) {
        let Record { thread, turn, response, used } = record;
        self.has_records = true;
        let thread = thread.as_deref().unwrap_or(self.file.thread);
        let is_own = thread == self.file.thread;
        let model = turn.as_deref().and_then(|turn| self.models.get(turn).copied()).or(self.model);
        let turn = match turn.as_deref() {
            Some(id) => Some((
                id.to_owned(),
                self.turn.as_ref().filter(|open| open.id == Some(id)).map_or(0, |open| open.ordinal),
            )),
            None => self.in_turn(),
        };
        let key = format!("{SOURCE}:{thread}:{response}");
        self.add_call(key, Call { is_own, ..self.call(thread, turn, model, *used, time) });
    }

    fn failed(&mut self, class: &'a str, http_status: Option<u16>, time: Timestamp) {
        if let Some(open) = &mut self.turn {
            open.failed = Some(class);
        }
        if self.is_own {
            let thread = self.file.thread;
            let key = format!("{SOURCE}:{thread}:failed-{}", time.as_micros());
            let failed = Some(Failure { class, http_status });
            let (turn, model) = (self.in_turn(), self.model);
            self.add_call(key, Call { failed, ..self.call(thread, turn, model, Counters::default(), time) });
        }
    }

    fn call(
        &self,
        thread: &'a str,
        turn: InTurn,
        model: Option<&'a str>,
        used: Counters,
        ended: Timestamp,
    ) -> Call<'a> {
        Call {
            thread,
            turn,
            model,
            tier: self.tier,
            started: self.asked.filter(|asked| *asked <= ended),
            ended,
            used,
            failed: None,
            attempt: (self.failures > 0).then(|| self.failures.saturating_add(1)),
            ttft: None,
            is_own: true,
            position: 0,
            mistaken: Vec::new(),
        }
    }

    fn add_call(&mut self, key: String, call: Call<'a>) {
        if let Some(open) = &mut self.turn {
            open.last = Some(call.ended);
            if call.failed.is_none() {
                open.failed = None;
                open.first_call.get_or_insert(self.calls.len());
            }
        }
        self.asked = None;
        self.failures = 0;
        self.calls.push((key, call));
    }

    fn tool_asked(&mut self, id: &'a str, tool: &'a str, time: Timestamp) {
        if self.is_own {
            self.tools.insert(id, (time, tool, self.in_turn()));
        }
    }

    fn tool_returned(
        &mut self,
        id: &'a str,
        duration: Option<LoggedMillis>,
        is_ok: Option<bool>,
        ended: Timestamp,
        found: &mut Found<'a>,
    ) {
        if let Some(open) = &mut self.turn {
            open.last = Some(ended);
        }
        let Some((started, tool, turn)) = self.tools.get(id).cloned() else { return };
        let thread = self.file.thread;
        let key = if id.len() < UNIQUE_ID_CHARS {
            format!("{SOURCE}:{thread}:{id}@{}", started.as_micros())
        } else {
            id.to_owned()
        };
        found.add_tool(key, Tool { thread, turn, id, tool, started, ended, duration, is_ok });
    }

    fn in_turn(&self) -> InTurn {
        self.turn.as_ref().map(|open| (open.name(), open.ordinal))
    }
}
