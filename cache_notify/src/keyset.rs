//! Distinct keys in order of arrival, in few allocations, that can be cut back to an earlier length, as a rollback needs.

use crate::payload::Op;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Up to so many keys are looked through one by one: most transactions write few rows, and need no table of hashes.
const FEW: usize = 8;

#[derive(Debug, Default)]
pub struct KeySet {
    /// The keys, one after the other.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Where in `entries` a hash is. Only kept while there are more than a few.
    index: HashTable<Indexed>,
    /// Seeded anew in each process: whoever chooses keys does not choose collisions.
    hasher: DefaultHashBuilder,
}

/// For the payload `key` the key alone, for the others what was done to it as well.
#[derive(Debug, Clone, Copy)]
struct Entry {
    op: Option<Op>,
    /// Where its bytes end; they begin where those of the one before end.
    end: usize,
}

/// The hash beside the place, so that neither growing nor most comparisons look at a key.
#[derive(Debug, Clone, Copy)]
struct Indexed {
    hash: u32,
    place: u32,
}

/// The table takes both ends of a hash for different things.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A key that was looked for and is not there. With its hash, where there is an index.
pub struct Vacant(u32);

impl KeySet {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Option<Op>, &[u8])> {
        (0..self.len()).map(|place| (self.entries[place].op, self.key(place)))
    }

    fn key(&self, place: usize) -> &[u8] {
        let begin = place.checked_sub(1).map_or(0, |before| self.entries[before].end);
        &self.bytes[begin..self.entries[place].end]
    }

    fn is(&self, place: usize, op: Option<Op>, key: &[u8]) -> bool {
        self.entries[place].op == op && self.key(place) == key
    }

    fn hash(&self, op: Option<Op>, key: &[u8]) -> u32 {
        // Either half is as good as the other.
        self.hasher.hash_one((op, key)) as u32
    }

    /// Makes room for so many keys more, to grow once instead of step by step.
    pub fn reserve(&mut self, more: usize) {
        if self.len() + more > FEW {
            self.entries.reserve(more);
            self.index.reserve(self.len() + more - self.index.len(), |known| spread(known.hash));
        }
    }

    /// None if the key is there already; else what [`KeySet::insert`] wants to know.
    pub fn vacant(&self, op: Option<Op>, key: &[u8]) -> Option<Vacant> {
        let (found, hash) = if self.len() <= FEW {
            ((0..self.len()).any(|place| self.is(place, op, key)), 0)
        } else {
            let hash = self.hash(op, key);
            let is_it =
                |known: &Indexed| known.hash == hash && self.is(known.place as usize, op, key);
            (self.index.find(spread(hash), is_it).is_some(), hash)
        };
        (!found).then_some(Vacant(hash))
    }

    /// Adds a key that is not there.
    pub fn insert(&mut self, Vacant(hash): Vacant, op: Option<Op>, key: &[u8]) {
        let place = self.len();
        self.bytes.extend_from_slice(key);
        self.entries.push(Entry { op, end: self.bytes.len() });
        if place == FEW {
            for place in 0..=FEW {
                self.remember(place, self.hash(self.entries[place].op, self.key(place)));
            }
        } else if place > FEW {
            self.remember(place, hash);
        }
    }

    /// Memory ends long before the numbers do.
    fn remember(&mut self, place: usize, hash: u32) {
        let place = place as u32;
        self.index.insert_unique(spread(hash), Indexed { hash, place }, |known| spread(known.hash));
    }

    /// Keeps the first `len` keys.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        if len <= FEW {
            self.index.clear();
        } else {
            for place in len..self.len() {
                let hash = self.hash(self.entries[place].op, self.key(place));
                let is_it = |known: &Indexed| known.place as usize == place;
                if let Ok(found) = self.index.find_entry(spread(hash), is_it) {
                    found.remove();
                }
            }
        }
        self.entries.truncate(len);
        self.bytes.truncate(self.entries.last().map_or(0, |last| last.end));
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn add(set: &mut KeySet, op: Option<Op>, key: &str) -> bool {
        match set.vacant(op, key.as_bytes()) {
            None => false,
            Some(vacant) => {
                set.insert(vacant, op, key.as_bytes());
                true
            }
        }
    }

    fn all(set: &KeySet) -> Vec<(Option<Op>, String)> {
        set.iter().map(|(op, key)| (op, String::from_utf8(key.to_vec()).unwrap())).collect()
    }

    #[test]
    fn a_key_is_its_bytes_and_what_was_done() {
        let mut set = KeySet::default();
        for (op, key, is_new) in [
            (None, "a", true),
            (None, "a", false),
            (Some(Op::Insert), "a", true),
            (Some(Op::Delete), "a", true),
            (Some(Op::Insert), "a", false),
            // Two keys are not their bytes run together.
            (None, "", true),
            (None, "", false),
            (None, "aa", true),
        ] {
            assert_eq!(add(&mut set, op, key), is_new, "{op:?} {key}");
        }
        assert_eq!(set.len(), 5);
    }

    /// Against a list that is looked through.
    #[test]
    fn any_order_of_additions_and_cuts_agrees_with_a_list() {
        let mut seed = 7_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        for different in [3, FEW, FEW + 1, 20, 500] {
            let (mut set, mut model) = (KeySet::default(), Vec::<(Option<Op>, String)>::new());
            for _ in 0..3000 {
                if random(100) == 0 {
                    set.reserve(random(2 * different));
                }
                if random(different) == 0 {
                    let len = random(model.len() + 2);
                    set.truncate(len);
                    model.truncate(len);
                } else {
                    let op = [None, Some(Op::Update)][random(2)];
                    let key = "k".repeat(random(3)) + &random(different).to_string();
                    let entry = (op, key.clone());
                    let is_new = !model.contains(&entry);
                    assert_eq!(add(&mut set, op, &key), is_new);
                    if is_new {
                        model.push(entry);
                    }
                }
                assert_eq!(set.len(), model.len());
            }
            assert_eq!(all(&set), model);
            assert!(model.iter().all(|(op, key)| set.vacant(*op, key.as_bytes()).is_none()));
        }
    }
}
