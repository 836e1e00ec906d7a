//! Which families have something in common.

use std::collections::{HashMap, HashSet};
use std::mem;

use foldhash::fast::RandomState;

use super::saved::links_from_bytes;
use crate::format::Link;

/// How often what is kept is looked through before a table of it is made. There are as many links as there are facts, and
/// most passes read few families.
const LOOKS: usize = 16;

/// The family of every link.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Names and links of families, as they were kept.
    kept: Vec<(String, Vec<u8>)>,
    looks: usize,
    families: HashMap<Link, u32, RandomState>,
    names: Vec<String>,
}

impl Index {
    /// Of families with their links as they are kept.
    pub(super) fn of(kept: Vec<(String, Vec<u8>)>) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Adds the links of a family.
    pub(super) fn add(&mut self, name: &str, links: impl Iterator<Item = Link>) {
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.families.extend(links.map(|link| (link, number)));
    }

    /// The other families that have one of the links of `name`.
    pub(super) fn related(&mut self, name: &str, links: &[Link]) -> Vec<String> {
        let mut names = self.related_of_kept(links);
        let numbers = links.iter().filter_map(|link| self.families.get(link).copied());
        let numbers: HashSet<u32, RandomState> = numbers.collect();
        names.extend(numbers.into_iter().filter_map(|number| self.names.get(usize::try_from(number).ok()?)).cloned());
        names.retain(|other| other != name);
        names.sort_unstable();
        names.dedup();
        names
    }

    fn related_of_kept(&mut self, links: &[Link]) -> Vec<String> {
        if self.looks == LOOKS {
            let kept = mem::take(&mut self.kept);
            self.families.reserve(kept.iter().map(|(_, bytes)| links_from_bytes(bytes).count()).sum());
            // What was added since is later than what was kept.
            let added: Vec<_> = self.families.drain().collect();
            for (name, bytes) in kept {
                self.add(&name, links_from_bytes(&bytes));
            }
            self.families.extend(added);
        }
        self.looks = self.looks.saturating_add(1);
        if self.kept.is_empty() {
            return Vec::new();
        }
        let links: HashSet<Link, RandomState> = links.iter().copied().collect();
        let is_related = |bytes: &[u8]| links_from_bytes(bytes).any(|link| links.contains(&link));
        self.kept.iter().filter(|(_, bytes)| is_related(bytes)).map(|(name, _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::saved::links_to_bytes;
    use super::*;

    #[test]
    fn families_with_a_link_in_common_are_found_however_often_somebody_looks() {
        let kept = (0..50).map(|n| (format!("kept {n}"), links_to_bytes(&[Link(n), Link(1_000 + n)])));
        let mut index = Index::of(kept.collect());
        index.add("new", [Link(7), Link(2_000)].into_iter());
        for _ in 0..2 * LOOKS {
            assert_eq!(index.related("kept 3", &[Link(3), Link(1_004), Link(2_000)]), ["kept 4", "new"]);
            assert_eq!(index.related("new", &[Link(9_000)]), Vec::<String>::new());
        }
    }
}
