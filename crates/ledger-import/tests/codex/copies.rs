//! Threads that were forked, resumed or written twice.

use serde_json::{Value, json};

use crate::support::{File, calls, context, count, file, import, in_both_orders, line, meta, moved, record};

/// Three calls of 100 each.
fn parent() -> Vec<Value> {
    vec![meta(0, "p", json!({})), context(1), count(10, 100, 100), count(20, 200, 100), count(30, 300, 100)]
}

/// A fork of `lines` at second 1000, `pause` seconds between each two lines of the copy, with a call of 50 of its own.
fn fork(name: &str, lines: &[Value], total: u64, pause: u32) -> File {
    let more = json!({"forked_from_id": "p"});
    let mut fork = vec![meta(1_000, name, more)];
    fork.extend(lines.iter().zip(1..).map(|(line, place)| moved(line, 1_000 + pause * place)));
    fork.push(count(2_000, total + 50, 50));
    file(&format!("{name}.jsonl"), &fork)
}

#[test]
fn a_copy_that_was_taken_for_the_childs_own_is_replaced_when_the_parent_appears() {
    // So slow that it is no burst, and no turn tells when it began.
    let child = fork("c", &parent(), 300, 5);
    let alone = import(std::slice::from_ref(&child));
    assert_eq!(calls(&alone.events), (4, 350), "nobody can know better");
    let both = import(&[child, file("p.jsonl", &parent())]);
    assert_eq!(calls(&both.events), (4, 350));
    for events in in_both_orders(&alone, &both) {
        assert_eq!(calls(&events), (4, 350));
    }
}

#[test]
fn siblings_without_their_parent_count_what_is_their_own() {
    let files = [fork("a", &parent(), 300, 0), fork("b", &parent(), 300, 0)];
    assert_eq!(calls(&import(&files).events), (2, 100));
}

#[test]
fn a_fork_of_the_middle_ends_where_the_parent_went_on_otherwise() {
    // The own call follows so fast that it looks like a part of the burst.
    let mut child = vec![meta(1_000, "c", json!({"forked_from_id": "p"}))];
    child.extend(parent()[..4].iter().map(|line| moved(line, 1_000)));
    child.push(count(1_001, 250, 50));
    let files = [file("p.jsonl", &parent()), file("c.jsonl", &child)];
    assert_eq!(calls(&import(&files).events), (4, 350));
}

#[test]
fn turns_that_began_before_the_child_did_are_the_parents() {
    let started = |seconds: u32, began: i64, turn: &str| {
        line(seconds, "event_msg", json!({"type": "task_started", "turn_id": turn, "started_at": began}))
    };
    // 2026-01-01T00:00:00Z.
    let zero = 1_767_225_600;
    let lines = [
        meta(1_000, "c", json!({"forked_from_id": "p"})),
        started(1_000, zero + 5, "old"),
        count(1_005, 100, 100),
        count(1_010, 300, 200),
        started(1_011, zero + 1_011, "new"),
        count(1_011, 350, 50),
    ];
    assert_eq!(calls(&import(&[file("c.jsonl", &lines)]).events), (1, 50));
}

#[test]
fn a_child_that_only_inherits_counters_begins_with_its_last_call() {
    let lines = [meta(1_000, "c", json!({"parent_thread_id": "p"})), count(1_010, 350, 50), count(1_020, 380, 30)];
    assert_eq!(calls(&import(&[file("c.jsonl", &lines)]).events), (2, 80));
}

#[test]
fn an_old_fork_does_not_say_whose_it_is_but_copies_its_session() {
    let mut child = vec![meta(1_000, "c", json!({}))];
    child.extend(parent().iter().map(|line| moved(line, 1_000)));
    child.push(count(2_000, 350, 50));
    let (child, parent) = (file("c.jsonl", &child), file("p.jsonl", &parent()));
    assert_eq!(calls(&import(std::slice::from_ref(&child)).events), (1, 50));
    assert_eq!(calls(&import(&[child, parent]).events), (4, 350));
}

#[test]
fn a_grandchild_owns_nothing_of_its_ancestors() {
    let child = fork("c", &parent(), 300, 0);
    let lines: Vec<Value> =
        String::from_utf8(child.1.clone()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut grandchild = vec![meta(3_000, "g", json!({"forked_from_id": "c"}))];
    grandchild.extend(lines.iter().map(|line| moved(line, 3_000)));
    grandchild.push(count(4_000, 357, 7));
    let mut files = vec![file("g.jsonl", &grandchild), child, file("p.jsonl", &parent())];
    let mut all = Vec::new();
    for _ in 0..3 {
        files.rotate_left(1);
        assert_eq!(calls(&import(&files).events), (5, 357));
        all.extend(import(&files[..2]).events);
    }
    assert_eq!(calls(&all), (5, 357));
}

#[test]
fn a_thread_that_was_resumed_in_another_file_goes_on() {
    let first = file("a.jsonl", &parent());
    let go_on = file("b.jsonl", &[meta(500, "p", json!({})), count(510, 340, 40)]);
    let copied: Vec<_> = parent().iter().map(|line| moved(line, 500)).chain([count(510, 340, 40)]).collect();
    for second in [go_on, file("b.jsonl", &copied)] {
        let both = import(&[second.clone(), first.clone()]);
        assert_eq!(calls(&both.events), (4, 340));
        assert_eq!(both.events, import(&[first.clone(), second.clone()]).events);
        for events in in_both_orders(&both, &import(&[second])) {
            assert_eq!(calls(&events), (4, 340));
        }
    }
}

#[test]
fn a_thread_that_was_resumed_twice_from_one_point_has_both_ends() {
    let other: Vec<_> = parent()[..4].iter().map(|line| moved(line, 500)).chain([count(510, 260, 60)]).collect();
    let files = [file("a.jsonl", &parent()), file("b.jsonl", &other)];
    assert_eq!(calls(&import(&files).events), (4, 360));
}

#[test]
fn records_of_the_parent_count_under_its_name_wherever_they_are_found() {
    let history = [meta(0, "p", json!({})), record(10, "p", "resp_1", 100), record(20, "p", "resp_2", 200)];
    let mut child = vec![meta(1_000, "c", json!({"forked_from_id": "p"}))];
    child.extend(history.iter().map(|line| moved(line, 1_000)));
    child.push(record(1_010, "c", "resp_3", 50));
    let (child, parent) = (file("c.jsonl", &child), file("p.jsonl", &history));
    let (alone, both) = (import(std::slice::from_ref(&child)), import(&[parent, child]));
    assert_eq!(calls(&alone.events), (3, 350));
    assert_eq!(calls(&both.events), (3, 350));
    for events in in_both_orders(&alone, &both) {
        assert_eq!(calls(&events), (3, 350));
    }
}
