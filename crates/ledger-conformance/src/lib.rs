//! The promises of a ledger, as tests: each case has the name of what it keeps, and every backend runs every case.
//!
//! A backend joins with one call in its tests:
//!
//! ```ignore
//! ledger_conformance::suite!(MyBackend::new());
//! ```
//!
//! where `MyBackend` implements [`Backend`]: a fresh, empty store that can be opened any number of times. Cases take
//! their randomness from a seed that they print; `LEDGER_SEED` repeats a run.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ledger_core::Ledger;

pub mod append;
pub mod checkpoint;
pub mod clients;
pub mod concurrent;
pub mod condition;
pub mod events;
pub mod history;
pub mod hostile;
pub mod intercept;
pub mod model;
pub mod read;
pub mod reference;
pub mod reset;
pub mod restore;
pub mod tail;

/// A store that a case has to itself, empty at first.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Another handle on the store, as another process would have one.
    async fn open(&self) -> Arc<dyn Ledger>;
}

/// A case that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(300);

/// Runs one case on a runtime of its own.
///
/// # Panics
/// When the case does, or hangs.
pub fn run<B: Backend>(backend: &B, case: impl AsyncFnOnce(&dyn Backend)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(HANGS_AFTER, case(backend)).await.expect("the case hangs");
    });
}

/// The seed of this run: `LEDGER_SEED`, or a random one, which is printed.
#[must_use]
pub fn seed() -> u64 {
    let seed = std::env::var("LEDGER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("LEDGER_SEED={seed}");
    seed
}

/// Every case, as a test of the backend that the expression makes.
#[macro_export]
macro_rules! suite {
    ($backend:expr) => {
        $crate::cases! { $backend;
            append {
                an_acknowledged_event_is_read_by_every_handle,
                new_events_take_consecutive_offsets_in_the_order_of_the_append,
                a_later_append_has_higher_offsets,
                the_same_event_again_is_a_duplicate_at_its_first_offset,
                the_time_of_creation_is_not_content,
                an_event_twice_in_one_append_is_stored_once,
                a_conflicting_id_stores_nothing,
                a_conflict_within_one_append_stores_nothing,
                every_other_content_is_a_conflict,
                a_mixed_append_stores_only_what_is_new,
                an_append_without_events_is_refused,
                an_append_above_the_limits_is_refused,
                appends_of_any_size_up_to_the_limit_are_stored_whole,
                a_dropped_append_is_whole_or_absent,
                recorded_times_never_decrease,
            }
            condition {
                an_append_whose_condition_holds_is_stored,
                an_append_whose_condition_fails_stores_nothing_and_names_the_event,
                a_condition_looks_only_after_its_offset,
                every_dimension_of_a_filter_is_judged,
                a_retry_is_answered_as_duplicate_before_its_condition_is_judged,
                a_condition_beyond_the_end_is_refused,
                of_racing_appends_with_one_condition_exactly_one_succeeds,
            }
            read {
                a_page_is_a_range_of_the_log_in_both_directions,
                pages_chain_without_gap_or_overlap,
                filters_select_what_they_name,
                filters_combine_dimensions,
                filtered_pages_chain_in_both_directions,
                a_page_of_large_events_ends_early,
                a_page_counts_every_byte,
                a_page_says_what_the_ledger_held,
                reading_beyond_the_end_is_refused,
                a_filter_at_its_limit_is_answered,
                limits_are_errors_not_caps,
                events_are_found_by_id_and_by_offset,
                runs_are_listed_in_the_order_of_their_first_events,
                an_empty_ledger_reads_as_empty,
                the_head_names_the_ledger_and_its_end,
            }
            tail {
                a_tail_ends_at_the_end,
                a_follower_gets_what_is_appended_later,
                a_follower_sees_appends_of_another_handle,
                a_follower_with_a_filter_gets_only_what_matches,
                a_wakeup_made_before_a_read_misses_nothing,
            }
            checkpoint {
                a_checkpoint_is_kept,
                a_checkpoint_only_moves_on,
                a_person_may_move_a_checkpoint_back,
                a_checkpoint_on_another_event_is_refused,
                a_consumer_resumes_where_it_was,
                a_consumer_of_a_reset_ledger_is_told,
            }
            reset {
                a_reset_ledger_is_empty_and_goes_on_where_it_was,
                ids_may_be_used_again_after_a_reset,
                a_reset_needs_the_ledgers_name,
                a_reader_of_the_old_epoch_is_told,
                a_follower_of_the_old_epoch_is_told,
                a_condition_of_the_old_epoch_is_refused,
            }
            restore {
                a_restored_ledger_is_equal_digest_for_digest,
                an_interrupted_restore_can_go_on,
                appends_go_on_after_a_restore,
                restore_refuses_what_does_not_follow,
                restore_refuses_damaged_events,
                a_repeated_restore_changes_nothing,
                the_last_offset_is_never_given_out,
                verify_counts_every_event,
            }
            hostile {
                hostile_text_comes_back_exactly,
                payloads_come_back_byte_for_byte,
                times_come_back_to_the_microsecond,
                names_are_compared_byte_by_byte,
                extreme_numbers_come_back,
                metadata_comes_back_exactly,
            }
            reference {
                append_and_read,
                append_is_idempotent_on_id,
                order_is_kept,
                extend_appends_all,
                extend_drops_repeats,
                reset_clears,
                reset_allows_the_same_id,
                a_payload_round_trips,
                an_event_survives_reopen,
                tail_after_three_of_six_gives_three,
                the_head_is_four_after_four,
                interleaved_runs_are_told_apart,
                sessions_are_kept,
                custom_kinds_are_accepted,
            }
            concurrent {
                a_history_of_many_clients_is_linear,
                writers_on_many_handles_lose_nothing,
                followers_on_many_handles_see_one_log,
                decisions_made_under_conditions_stand_when_judged_again,
            }
            model {
                random_operations_agree_with_the_model,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! cases {
    ($backend:expr; $($group:ident { $($case:ident,)* })*) => {
        fn conformance_backend() -> impl $crate::Backend {
            $backend
        }
        $(mod $group {
            $(#[test]
            fn $case() {
                $crate::run(&super::conformance_backend(), $crate::$group::$case);
            })*
        })*
    };
}

#[cfg(test)]
mod tests {
    /// A case that is written but not listed would run nowhere.
    #[test]
    fn every_case_is_listed() {
        let sources = [
            include_str!("append.rs"),
            include_str!("checkpoint.rs"),
            include_str!("concurrent.rs"),
            include_str!("condition.rs"),
            include_str!("hostile.rs"),
            include_str!("model.rs"),
            include_str!("read.rs"),
            include_str!("reference.rs"),
            include_str!("reset.rs"),
            include_str!("restore.rs"),
            include_str!("tail.rs"),
        ];
        let list = include_str!("lib.rs");
        for source in sources {
            for line in source.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                let name = line.split('(').next().unwrap_or(line);
                assert!(list.contains(&format!("                {name},\n")), "{name} is not in the list");
            }
        }
    }
}
