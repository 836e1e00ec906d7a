//! Which families have something in common.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::format::Link;

/// The family of every link.
#[derive(Debug, Default)]
pub(super) struct Index {
    families: HashMap<Link, u32, RandomState>,
    names: Vec<String>,
}

impl Index {
    /// One that is about to get so many links; there are as many as there are facts, and most passes need few of them.
    pub(super) fn for_links(count: usize) -> Self {
        Self { families: HashMap::with_capacity_and_hasher(count, RandomState::default()), names: Vec::new() }
    }

    /// Adds the links of a family.
    pub(super) fn add(&mut self, name: &str, links: impl Iterator<Item = Link>) {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.families.extend(links.map(|link| (link, number)));
    }

    /// The other families that have one of the links of `name`.
    pub(super) fn related(&self, name: &str, links: &[Link]) -> Vec<String> {
        let mut related: Vec<u32> = links.iter().filter_map(|link| self.families.get(link).copied()).collect();
        related.sort_unstable();
        related.dedup();
        let names = related.into_iter().filter_map(|number| self.names.get(usize::try_from(number).ok()?));
        let mut names: Vec<String> = names.filter(|other| *other != name).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
