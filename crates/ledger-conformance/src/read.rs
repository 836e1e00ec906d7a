//! P3: what a reader sees.

use futures_util::TryStreamExt;
use ledger_core::limits::{
    MAX_FILTER_VALUES, MAX_METADATA_ENTRIES, MAX_METADATA_VALUE_BYTES, MAX_PAGE_BYTES, MAX_PAGE_EVENTS,
};
use ledger_core::{
    Epoch, Error, Event, Extent, Filter, Ledger, LedgerExt, Metadata, Offset, Page, PageSize, Read, Run, RunQuery,
};

use crate::Backend;
use crate::events::{
    actor, event, events, full, id, ids, kind, log, matching, model, offset, offsets, payload, run, session,
};

fn size(events: usize) -> PageSize {
    PageSize::new(events).expect("a page size")
}

async fn chain(ledger: &dyn Ledger, mut read: Read) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = ledger.read(&read).await.expect("a page");
        read = read.resume(&page);
        let done = page.exhausted;
        pages.push(page);
        if done {
            return pages;
        }
    }
}

fn all_offsets(pages: &[Page]) -> Vec<u64> {
    pages.iter().flat_map(|page| offsets(&page.events)).collect()
}

/// A page is what stands in the log between where it starts and where it ends.
pub async fn a_page_is_a_range_of_the_log_in_both_directions(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 10)).await.unwrap();
    let read = async |read: Read| offsets(&ledger.read(&read.limit(size(3))).await.unwrap().events);
    assert_eq!(read(Read::after(Offset::ZERO)).await, [1, 2, 3]);
    assert_eq!(read(Read::after(offset(4))).await, [5, 6, 7]);
    assert_eq!(read(Read::after(offset(8))).await, [9, 10]);
    assert_eq!(read(Read::before(Offset::MAX)).await, [10, 9, 8]);
    assert_eq!(read(Read::before(offset(5))).await, [4, 3, 2]);
    assert_eq!(read(Read::before(offset(2))).await, [1]);
    assert!(read(Read::before(offset(1))).await.is_empty());
    assert!(read(Read::before(Offset::ZERO)).await.is_empty());
}

/// Pages of any size chain to the whole.
pub async fn pages_chain_without_gap_or_overlap(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 25)).await.unwrap();
    let forward: Vec<u64> = (1..=25).collect();
    let backward: Vec<u64> = (1..=25).rev().collect();
    for limit in [1, 2, 5, 24, 25, 26, MAX_PAGE_EVENTS] {
        let pages = chain(ledger.as_ref(), Read::after(Offset::ZERO).limit(size(limit))).await;
        assert_eq!(all_offsets(&pages), forward, "pages of {limit}");
        let pages = chain(ledger.as_ref(), Read::before(Offset::MAX).limit(size(limit))).await;
        assert_eq!(all_offsets(&pages), backward, "pages of {limit}");
    }
}

/// Eight events in two runs, two kinds, two actors, two sessions or none, two models or none.
fn mixed() -> Vec<Event> {
    (0..8_u32)
        .map(|n| {
            let mut event = event(&format!("m-{n}")).with_turn(n);
            event.run_id = run(if n % 2 == 0 { "even" } else { "odd" });
            event.kind = kind(if n < 4 { "a.low" } else { "a.high" });
            event.actor = actor(if n % 4 < 2 { "ann" } else { "bob" });
            event.session_id = (n > 2).then(|| session(if n == 3 { "s3" } else { "s" }));
            event.model_id = (n < 6).then(|| model(if n == 0 { "m0" } else { "m" }));
            event
        })
        .collect()
}

/// Each dimension selects, several values of one dimension widen, and an absent value matches no name.
pub async fn filters_select_what_they_name(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(mixed()).await.unwrap();
    let any = Filter::any;
    let cases = [
        (any(), vec![1, 2, 3, 4, 5, 6, 7, 8]),
        (any().id(id("m-3")).id(id("m-0")).id(id("unknown")), vec![1, 4]),
        (any().run(run("odd")), vec![2, 4, 6, 8]),
        (any().run(run("odd")).run(run("even")), vec![1, 2, 3, 4, 5, 6, 7, 8]),
        (any().run(run("Odd")), vec![]),
        (any().kind(kind("a.high")), vec![5, 6, 7, 8]),
        (any().actor(actor("bob")), vec![3, 4, 7, 8]),
        (any().session(session("s")), vec![5, 6, 7, 8]),
        (any().session(session("s")).session(session("s3")), vec![4, 5, 6, 7, 8]),
        (any().model(model("m0")), vec![1]),
    ];
    for (filter, expected) in cases {
        assert_eq!(offsets(&matching(ledger.as_ref(), filter.clone()).await), expected, "{filter:?}");
    }
}

/// An event must match in every dimension.
pub async fn filters_combine_dimensions(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(mixed()).await.unwrap();
    let filter = Filter::any()
        .run(run("odd"))
        .run(run("even"))
        .kind(kind("a.high"))
        .actor(actor("ann"))
        .session(session("s"))
        .model(model("m"));
    assert_eq!(offsets(&matching(ledger.as_ref(), filter.clone()).await), [5, 6]);
    assert_eq!(offsets(&matching(ledger.as_ref(), filter.id(id("m-5"))).await), [6]);
}

/// Pages of a filter chain to what the filter selects, and a filter that selects nothing ends.
pub async fn filtered_pages_chain_in_both_directions(backend: &dyn Backend) {
    let ledger = backend.open().await;
    for n in 0..30 {
        let mut batch = mixed();
        batch.iter_mut().for_each(|event| event.id = id(&format!("{n}-{}", event.id)));
        ledger.append_all(batch).await.unwrap();
    }
    let filter = Filter::any().run(run("odd")).kind(kind("a.low")).kind(kind("a.high")).actor(actor("bob"));
    let expected: Vec<u64> = (1..=240).filter(|n| [4, 0].contains(&(n % 8))).collect();
    for limit in [1, 7, 60, 61] {
        let read = Read::after(Offset::ZERO).matching(filter.clone()).unwrap().limit(size(limit));
        assert_eq!(all_offsets(&chain(ledger.as_ref(), read).await), expected);
        let read = Read::before(Offset::MAX).matching(filter.clone()).unwrap().limit(size(limit));
        let mut backward = all_offsets(&chain(ledger.as_ref(), read).await);
        backward.reverse();
        assert_eq!(backward, expected);
    }
    let nothing = Read::after(Offset::ZERO).matching(Filter::any().run(run("none"))).unwrap();
    let page = ledger.read(&nothing).await.unwrap();
    assert!(page.events.is_empty() && page.exhausted);
    assert_eq!(page.resume, offset(240), "everything was considered");
}

/// A page is bounded in bytes too, and pages of large events chain.
pub async fn a_page_of_large_events_ends_early(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let text = format!("{{\"x\":\"{}\"}}", "x".repeat(MAX_PAGE_BYTES / 4));
    for n in 0..6 {
        let mut large = event(&format!("large-{n}"));
        large.payload = payload(&text);
        ledger.append_one(large).await.unwrap();
    }
    for read in [Read::after(Offset::ZERO), Read::before(Offset::MAX)] {
        let pages = chain(ledger.as_ref(), read).await;
        assert_eq!(pages[0].events.len(), 4, "the page ends with the event that brings it to its limit");
        assert_eq!(all_offsets(&pages).len(), 6);
    }
}

/// Metadata counts towards a page's bytes as payloads do.
pub async fn a_page_counts_every_byte(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let value = "x".repeat(MAX_METADATA_VALUE_BYTES);
    let metadata =
        (0..MAX_METADATA_ENTRIES).fold(Metadata::new(), |metadata, n| metadata.with(&format!("k{n}"), &value).unwrap());
    let large = events("e", 1_000).into_iter().map(|event| event.with_metadata(metadata.clone()));
    ledger.extend(large.collect::<Vec<_>>()).await.unwrap();
    for read in [Read::after(Offset::ZERO), Read::before(Offset::MAX)] {
        let pages = chain(ledger.as_ref(), read).await;
        assert!(pages[0].events.len() < 600 && !pages[0].exhausted, "{} events", pages[0].events.len());
        assert_eq!(all_offsets(&pages).len(), 1_000);
    }
}

/// Events and extent of a page are of one moment.
pub async fn a_page_says_what_the_ledger_held(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 5)).await.unwrap();
    let page = ledger.read(&Read::after(offset(1)).limit(size(2))).await.unwrap();
    assert_eq!(page.extent, Extent { epoch: Epoch::FIRST, first: offset(1), last: offset(5) });
    assert_eq!((page.resume, page.exhausted), (offset(3), false));
    let page = ledger.read(&Read::after(offset(3)).limit(size(2))).await.unwrap();
    assert_eq!((page.resume, page.exhausted), (offset(5), true));
}

/// A reader at the end gets nothing; one that is ahead of the ledger has read another one, and hears so.
pub async fn reading_beyond_the_end_is_refused(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(events("e", 2)).await.unwrap();
    let page = ledger.read(&Read::after(offset(2))).await.unwrap();
    assert!(page.events.is_empty() && page.exhausted);
    assert_eq!(page.resume, offset(2));
    for cursor in [offset(3), Offset::MAX] {
        let error = ledger.read(&Read::after(cursor)).await.unwrap_err();
        assert!(matches!(error, Error::Beyond { last, .. } if last == offset(2)), "{error:?}");
    }
}

/// A filter with as many values as it may have is answered, however they are spread.
pub async fn a_filter_at_its_limit_is_answered(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(mixed()).await.unwrap();
    let spread = (0..MAX_FILTER_VALUES / 2 - 1).fold(Filter::any().run(run("odd")).kind(kind("a.low")), |filter, n| {
        filter.run(run(&n.to_string())).kind(kind(&format!("x.k{n}")))
    });
    assert_eq!(offsets(&matching(ledger.as_ref(), spread).await), [2, 4]);
    let one =
        (0..MAX_FILTER_VALUES - 1).fold(Filter::any().run(run("odd")), |filter, n| filter.run(run(&n.to_string())));
    assert_eq!(offsets(&matching(ledger.as_ref(), one).await), [2, 4, 6, 8]);
}

/// A limit outside its range is refused, not bent.
pub async fn limits_are_errors_not_caps(_: &dyn Backend) {
    assert!(PageSize::new(0).is_err());
    assert!(PageSize::new(MAX_PAGE_EVENTS + 1).is_err());
    assert!(RunQuery::new(Offset::ZERO, 0).is_err());
    let wide = (0..=MAX_FILTER_VALUES).fold(Filter::any(), |filter, n| filter.run(run(&n.to_string())));
    assert!(matches!(Read::after(Offset::ZERO).matching(wide).unwrap_err(), Error::Invalid(_)));
}

/// By its id, and by its offset.
pub async fn events_are_found_by_id_and_by_offset(backend: &dyn Backend) {
    let ledger = backend.open().await;
    ledger.append_all(vec![event("a"), full("b"), event("c")]).await.unwrap();
    assert_eq!(ledger.find(id("b")).await.unwrap().unwrap().event, full("b"));
    assert_eq!(ledger.find(id("B")).await.unwrap(), None);
    assert_eq!(ledger.event_at(offset(3)).await.unwrap().unwrap().event.id, id("c"));
    assert_eq!(ledger.event_at(offset(4)).await.unwrap(), None);
    assert_eq!(ledger.event_at(Offset::ZERO).await.unwrap(), None);
}

/// Runs with where they begin and end, page by page.
pub async fn runs_are_listed_in_the_order_of_their_first_events(backend: &dyn Backend) {
    let ledger = backend.open().await;
    let order = ["b", "a", "b", "c", "a", "b"];
    let batch = order.iter().enumerate().map(|(n, name)| {
        let mut event = event(&format!("e-{n}"));
        event.run_id = run(name);
        event
    });
    ledger.append_all(batch.collect()).await.unwrap();
    let expected =
        |name: &str, first, last, events| Run { run_id: run(name), first: offset(first), last: offset(last), events };
    let all = [expected("b", 1, 6, 3), expected("a", 2, 5, 2), expected("c", 4, 4, 1)];
    assert_eq!(ledger.all_runs().await.unwrap(), all);
    assert_eq!(ledger.runs(RunQuery::new(Offset::ZERO, 2).unwrap()).await.unwrap(), all[..2]);
    assert_eq!(ledger.runs(RunQuery::new(offset(2), 2).unwrap()).await.unwrap(), all[2..]);
    let of_run: Vec<_> = ledger.events_for_run(run("a")).try_collect().await.unwrap();
    assert_eq!(offsets(&of_run), [2, 5]);
}

/// Nothing is not an error.
pub async fn an_empty_ledger_reads_as_empty(backend: &dyn Backend) {
    let ledger = backend.open().await;
    assert!(ids(&log(ledger.as_ref()).await).is_empty());
    let page = ledger.read(&Read::before(Offset::MAX)).await.unwrap();
    assert!(page.events.is_empty() && page.exhausted);
    assert_eq!(ledger.all_runs().await.unwrap(), []);
    assert_eq!(ledger.checkpoints().await.unwrap(), []);
    assert_eq!(ledger.head().await.unwrap().extent, Extent::EMPTY);
    assert_eq!(Extent::EMPTY.events(), 0);
}

/// The head says which ledger it is, through every handle the same, and where it ends.
pub async fn the_head_names_the_ledger_and_its_end(backend: &dyn Backend) {
    let (one, other) = (backend.open().await, backend.open().await);
    one.append_all(events("e", 3)).await.unwrap();
    let (head, same) = (one.head().await.unwrap(), other.head().await.unwrap());
    assert_eq!(head, same);
    assert_eq!((head.extent.first, head.extent.last), (offset(1), offset(3)));
    assert_eq!(head.extent.events(), 3);
}
