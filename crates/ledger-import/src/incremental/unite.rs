//! Which of the families that were read together belong together, and with which ones that were read before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::index::Index;
use crate::format::Link;

/// Families that become one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Places of those that were read, in their order.
    pub(super) read: Vec<usize>,
    /// Names of those that were read before, and not now.
    pub(super) kept: BTreeSet<String>,
}

/// Puts families that were read, with their names and links, together with each other and with those of the index that
/// `is_known`. Two of the index have nothing in common: they would be one.
pub(super) fn sets(read: &[(&str, &[Link])], index: &mut Index, is_known: impl Fn(&str) -> bool) -> Vec<Set> {
    let mut groups = Groups { parents: (0..read.len()).collect() };
    let places: HashMap<&str, usize> = read.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
    let mut by_link: HashMap<Link, usize, RandomState> = HashMap::default();
    let mut by_kept: BTreeMap<String, usize> = BTreeMap::new();
    for (place, (name, links)) in read.iter().enumerate() {
        for link in *links {
            groups.unite(place, *by_link.entry(*link).or_insert(place));
        }
        for other in index.related(name, links).into_iter().filter(|other| is_known(other)) {
            // It may have been read as well, and have lost what the two had in common.
            let other = places.get(other.as_str()).copied().unwrap_or_else(|| *by_kept.entry(other).or_insert(place));
            groups.unite(place, other);
        }
    }
    let mut sets: BTreeMap<usize, Set> = BTreeMap::new();
    for place in 0..read.len() {
        sets.entry(groups.of(place)).or_default().read.push(place);
    }
    for (name, place) in by_kept {
        sets.entry(groups.of(place)).or_default().kept.insert(name);
    }
    sets.into_values().collect()
}

/// Disjoint sets of places; each place has one of its set that is not after it, the first has itself.
struct Groups {
    parents: Vec<usize>,
}

impl Groups {
    /// The first place of the set that `place` is in.
    fn of(&mut self, mut place: usize) -> usize {
        while self.parents[place] != place {
            self.parents[place] = self.parents[self.parents[place]];
            place = self.parents[place];
        }
        place
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.parents[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::super::saved::links_to_bytes;
    use super::*;

    fn index(kept: &[(&str, &[u64])]) -> Index {
        let bytes = |links: &[u64]| links_to_bytes(&links.iter().map(|link| Link(*link)).collect::<Vec<_>>());
        Index::of(kept.iter().map(|(name, links)| ((*name).to_owned(), bytes(links))).collect())
    }

    fn united(read: &[(&str, &[u64])], index: &mut Index) -> Vec<(Vec<usize>, Vec<String>)> {
        let links: Vec<Vec<Link>> =
            read.iter().map(|(_, links)| links.iter().map(|link| Link(*link)).collect()).collect();
        let read: Vec<(&str, &[Link])> =
            read.iter().zip(&links).map(|((name, _), links)| (*name, links.as_slice())).collect();
        let sets = sets(&read, index, |name| name != "gone");
        sets.into_iter().map(|Set { read, kept }| (read, kept.into_iter().collect())).collect()
    }

    #[test]
    fn families_with_a_link_in_common_are_one_through_others_too() {
        let read: [(&str, &[u64]); 5] = [("a", &[1]), ("b", &[2]), ("c", &[3]), ("d", &[1, 4]), ("e", &[2, 4])];
        assert_eq!(united(&read, &mut index(&[])), [(vec![0, 1, 3, 4], vec![]), (vec![2], vec![])]);
    }

    #[test]
    fn two_that_were_read_are_one_through_one_that_was_not() {
        let read: [(&str, &[u64]); 3] = [("a", &[1]), ("b", &[2]), ("c", &[3])];
        let mut index = index(&[("k", &[1, 2]), ("l", &[3]), ("gone", &[2, 3]), ("m", &[9])]);
        assert_eq!(united(&read, &mut index), [(vec![0, 1], vec!["k".to_owned()]), (vec![2], vec!["l".to_owned()])]);
    }

    #[test]
    fn one_that_was_read_again_is_found_by_what_it_had() {
        let read: [(&str, &[u64]); 2] = [("a", &[1]), ("b", &[2])];
        assert_eq!(united(&read, &mut index(&[("b", &[1])])), [(vec![0, 1], vec![])]);
    }
}
