//! A fork begins with copies of the turns of its parent, without their inferences.

use serde_json::json;

use crate::support::{import, text, total, turn, with};

#[test]
fn a_fork_counts_once_with_its_parent_in_either_order_and_alone() {
    let parent = turn();
    let copied = [parent[0].clone(), parent[6].clone()];
    let own = turn()
        .into_iter()
        .enumerate()
        .map(|(n, event)| with(event, json!({"event_id": format!("f{n}"), "thread_id": "f", "turn_id": "v"})));
    let fork: Vec<_> = copied.iter().cloned().map(|event| with(event, json!({"thread_id": "f"}))).chain(own).collect();
    let verbatim: Vec<_> = copied.into_iter().chain(fork[2..].to_vec()).collect();

    let parent = ("threads/t/events.jsonl", text(&parent));
    let fork = ("threads/f/events.jsonl", text(&verbatim));
    for files in [[parent.clone(), fork.clone()], [fork.clone(), parent.clone()]] {
        assert_eq!(total(&import(&files).events), (2, 2 * 107));
    }
    let (of_parent, of_fork) = (import(&[parent]).events, import(&[fork]).events);
    assert_eq!(total(&of_fork), (2, 2 * 107));
    for events in [[&*of_parent, &*of_fork].concat(), [&*of_fork, &*of_parent].concat()] {
        assert_eq!(total(&events), (2, 2 * 107));
    }
}

#[test]
fn any_beginning_of_a_thread_ends_with_the_same_totals() {
    let turn = turn();
    let mut events = Vec::new();
    for end in 0..=turn.len() {
        events.extend(import(&[("threads/t/events.jsonl", text(&turn[..end]))]).events);
    }
    assert_eq!(total(&events), (1, 107));
    events.reverse();
    assert_eq!(total(&events), (1, 107));
}
