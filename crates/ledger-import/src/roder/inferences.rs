//! Which steps of a turn are of one inference, and what came of it.

use ledger_core::Timestamp;
use ledger_events::{CallStatus, Tokens};

use super::facts::{StepId, Turn};
use super::steps::{End, Step, Stop, Used};
use crate::ending::status_of_failure;
use crate::words::UNKNOWN;

/// Why a call failed that was asked again before it told of anything.
const UNFINISHED: &str = "unfinished";

/// A call of a model.
#[derive(Debug)]
pub(super) struct Inference {
    /// Its first step; `None` when only the turn tells of what was used.
    pub(super) first: Option<StepId>,
    pub(super) asked: Option<Timestamp>,
    /// When it was over, or else its last step.
    pub(super) last: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    pub(super) used: Option<Used>,
    /// Whether `used` is what the inference itself told.
    pub(super) is_own: bool,
    pub(super) response: Option<String>,
    pub(super) stop: Option<Stop>,
    broke: bool,
    asked_again: bool,
    /// How many steps tell of it.
    pub(super) steps: u64,
}

/// How a turn ended: what its first last word says.
pub(super) fn end_of(turn: &Turn) -> Option<(Timestamp, &End)> {
    turn.iter().find_map(|(id, step)| match step {
        Step::Ended { end, .. } => Some((id.time, end)),
        _ => None,
    })
}

/// The calls of a turn, in their order.
pub(super) fn inferences(turn: &Turn) -> Vec<Inference> {
    let mut calls: Vec<Inference> = Vec::new();
    let mut of_turn: Option<(Timestamp, Used)> = None;
    for (id, step) in turn {
        match step {
            Step::Asked { provider, model } => {
                if let Some(before) = calls.last_mut() {
                    before.asked_again = true;
                }
                let (provider, model) = (provider.clone(), model.clone());
                calls.push(Inference {
                    asked: Some(id.time),
                    provider,
                    model,
                    ..Inference::new(Some(id.clone()), id.time)
                });
            }
            Step::Used(used) => current(&mut calls, id).add_used(*used),
            Step::Answered { response, stop } => current(&mut calls, id).end(response.clone(), Some(*stop)),
            Step::Broke => {
                let call = current(&mut calls, id);
                call.broke = true;
                call.end(None, None);
            }
            Step::Ended { usage: Some(usage), .. } => {
                // One that was written twice is the same; of two that differ, the larger one saw more of the turn.
                let is_larger = |(_, known): &(Timestamp, Used)| usage.tokens().total() > known.tokens().total();
                if of_turn.as_ref().is_none_or(is_larger) {
                    of_turn = Some((id.time, *usage));
                }
            }
            _ => {}
        }
    }
    if let Some((time, usage)) = of_turn.filter(|_| calls.iter().all(|call| call.used.is_none())) {
        give_to_last(&mut calls, turn, time, usage);
    }
    calls
}

/// The inference that a step is part of. One that was answered is over when nobody tells that another was asked for.
fn current<'a>(calls: &'a mut Vec<Inference>, id: &StepId) -> &'a mut Inference {
    let is_over = |call: &Inference| call.asked.is_none() && call.ended.is_some();
    if calls.last().is_none_or(is_over) {
        calls.push(Inference::new(Some(id.clone()), id.time));
    }
    let last = calls.len() - 1;
    let call = &mut calls[last];
    call.last = call.last.max(id.time);
    call.steps += 1;
    call
}

/// What a turn used is known, and not by which of its inferences.
fn give_to_last(calls: &mut Vec<Inference>, turn: &Turn, time: Timestamp, usage: Used) {
    if calls.is_empty() {
        let start = turn.keys().next().map_or(time, |first| first.time);
        calls.push(Inference { asked: Some(start), last: time, ended: Some(time), ..Inference::new(None, start) });
    }
    if let Some(last) = calls.last_mut() {
        last.used = Some(usage);
    }
}

impl Inference {
    fn new(first: Option<StepId>, time: Timestamp) -> Self {
        Self {
            first,
            asked: None,
            last: time,
            ended: None,
            provider: None,
            model: None,
            used: None,
            is_own: false,
            response: None,
            stop: None,
            broke: false,
            asked_again: false,
            steps: 1,
        }
    }

    fn add_used(&mut self, used: Used) {
        self.used.get_or_insert_default().add(used);
        self.is_own = true;
    }

    fn end(&mut self, response: Option<String>, stop: Option<Stop>) {
        self.ended = Some(self.last);
        self.response = self.response.take().or(response);
        self.stop = self.stop.or(stop);
    }

    pub(super) fn tokens(&self) -> Tokens {
        self.used.map_or_else(Tokens::default, |used| used.tokens())
    }

    /// How it ended in a turn that ended so; `None` while it may go on and has told of nothing that counts.
    pub(super) fn status(&self, end: Option<&End>) -> Option<(CallStatus, Option<String>)> {
        let failed = |class: &str| Some((status_of_failure(class, None), Some(class.to_owned())));
        match end {
            _ if self.stop.is_some() => Some((CallStatus::Ok, None)),
            Some(End::Failed(kind)) if self.broke || !self.asked_again => failed(kind),
            Some(End::DeadlineExceeded) if !self.broke && !self.asked_again => failed("deadline_exceeded"),
            _ if self.broke => failed(UNKNOWN),
            _ if self.asked_again => self.used.map_or_else(|| failed(UNFINISHED), |_| Some((CallStatus::Ok, None))),
            Some(End::Interrupted) => Some((CallStatus::Cancelled, None)),
            Some(_) => Some((CallStatus::Ok, None)),
            None => self.used.map(|_| (CallStatus::Ok, None)),
        }
    }

    /// Whether anything came after it that ends it.
    pub(super) const fn is_followed(&self) -> bool {
        self.asked_again
    }
}
