//! The keys that the present transaction will send, with the subtransactions they were written in.

use crate::keyset::KeySet;
use crate::options::Delivery;
use crate::payload::{self, LIMIT, Op, Payload};
use std::rc::Rc;

/// What the keys of one table are collected for. Two triggers with equal targets send each key once.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    pub delivery: Delivery,
    pub channel: Vec<u8>,
    pub payload: Payload,
    pub schema: Vec<u8>,
    pub table: Vec<u8>,
    /// The keys that stand for all keys: each template with `*` in place of its columns.
    pub patterns: Vec<Vec<u8>>,
    /// [`payload::json_budget`] of this table.
    pub json_budget: usize,
}

/// The keys of one target.
///
/// A transaction's subtransactions form a stack and only the innermost one writes, so keys in order of arrival are also in
/// order of nesting: for each level the place where it began is all there is to remember, and an abort cuts the rest off.
#[derive(Debug, Default)]
struct Keys {
    set: KeySet,
    /// Nesting level and the number of keys before it, for the levels above 1 that wrote.
    marks: Vec<(i32, usize)>,
    /// The keys were given up for `*`: at which level, and what was done.
    all: Option<(i32, Op)>,
}

impl Keys {
    fn enter(&mut self, level: i32) {
        if level > 1 && self.marks.last().is_none_or(|&(last, _)| last < level) {
            self.marks.push((level, self.set.len()));
        }
    }

    fn collapse(&mut self, level: i32, op: Op) {
        match &mut self.all {
            Some((_, known)) if *known == op => {}
            Some((_, known)) => *known = Op::Any,
            None => {
                let op = if self.set.is_empty() { op } else { Op::Any };
                self.all = Some((level, op));
                self.forget_own(level);
            }
        }
    }

    /// Drops the keys of `level`, which `*` now stands for. Those of the levels around it must stay: if this one is rolled
    /// back, they are what there is to send.
    fn forget_own(&mut self, level: i32) {
        let own = match self.marks.last() {
            Some(&(last, before)) if last == level => before,
            // The level has no keys of its own yet.
            Some(_) if level > 1 => self.set.len(),
            None if level > 1 => self.set.len(),
            _ => 0,
        };
        self.set.truncate(own);
    }

    fn commit(&mut self, level: i32) {
        let parent = level - 1;
        if let Some(&(last, before)) = self.marks.last()
            && last == level
        {
            self.marks.pop();
            if parent > 1 && self.marks.last().is_none_or(|&(last, _)| last < parent) {
                self.marks.push((parent, before));
            }
        }
        if let Some((all, _)) = &mut self.all
            && *all == level
        {
            *all = parent;
            self.forget_own(parent);
        }
    }

    fn abort(&mut self, level: i32) {
        if let Some(&(last, before)) = self.marks.last()
            && last == level
        {
            self.marks.pop();
            self.set.truncate(before);
        }
        if self.all.is_some_and(|(all, _)| all == level) {
            self.all = None;
        }
    }
}

/// A target within [`Pending`], good until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize);

/// All that one transaction has to send.
#[derive(Debug, Default)]
pub struct Pending {
    /// A transaction writes few tables, mostly one: looking through a list costs less than hashing a target.
    targets: Vec<(Rc<Target>, Keys)>,
}

impl Pending {
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The place for a target's keys, for a trigger that fires at nesting `level` (1 is the transaction itself).
    pub fn slot(&mut self, target: &Rc<Target>, level: i32) -> Slot {
        let index = match self.targets.iter().position(|(known, _)| known == target) {
            Some(index) => index,
            None => {
                self.targets.push((Rc::clone(target), Keys::default()));
                self.targets.len() - 1
            }
        };
        self.targets[index].1.enter(level);
        Slot(index)
    }

    /// Whether `*` already stands for every key that `op` may bring, so that no more need be read.
    pub fn is_settled(&self, slot: Slot, op: Op) -> bool {
        self.targets[slot.0].1.all.is_some_and(|(_, known)| known == op || known == Op::Any)
    }

    /// Makes room for the keys of so many rows, at most.
    pub fn expect(&mut self, slot: Slot, rows: usize, max_keys: usize) {
        let set = &mut self.targets[slot.0].1.set;
        // Many rows may have few keys: not more than a few megabytes in vain.
        set.reserve(rows.min(max_keys.saturating_sub(set.len())).min(1 << 17));
    }

    /// Adds a key. Past `max_keys` distinct ones, or where the key is too long for any message, `*` takes their place.
    pub fn add(&mut self, slot: Slot, level: i32, op: Op, key: &[u8], max_keys: usize) {
        let (target, keys) = &mut self.targets[slot.0];
        if keys.all.is_some() {
            return keys.collapse(level, op);
        }
        let op_of_entry = (target.payload != Payload::Key).then_some(op);
        let Some(vacant) = keys.set.vacant(op_of_entry, key) else { return };
        let fits = match target.payload {
            Payload::Key => key.len() <= LIMIT,
            Payload::Json => payload::json_fits(target.json_budget, key),
            // The event as a whole is measured when it is sent: node_id may change until then.
            Payload::Event => key.len() <= LIMIT,
        };
        if !fits || keys.set.len() >= max_keys {
            return keys.collapse(level, op);
        }
        keys.set.insert(vacant, op_of_entry, key);
    }

    /// Puts `*` in the place of every key.
    pub fn add_all(&mut self, slot: Slot, level: i32, op: Op) {
        self.targets[slot.0].1.collapse(level, op);
    }

    /// The subtransaction at nesting `level` committed: what it wrote is its parent's.
    pub fn commit_level(&mut self, level: i32) {
        self.targets.iter_mut().for_each(|(_, keys)| keys.commit(level));
    }

    /// The subtransaction at nesting `level` was rolled back: what it wrote never was.
    pub fn abort_level(&mut self, level: i32) {
        self.targets.iter_mut().for_each(|(_, keys)| keys.abort(level));
    }

    /// Every message, in the order in which tables and keys were first touched: `emit(target, payload)`. Only events ask
    /// for the `node_id`.
    pub fn messages(&self, node_id: impl Fn() -> Vec<u8>, mut emit: impl FnMut(&Target, &[u8])) {
        for (target, keys) in &self.targets {
            let mut send = |message: &[u8]| emit(target, message);
            match target.payload {
                Payload::Key => match keys.all {
                    Some(_) => target.patterns.iter().for_each(|pattern| send(pattern)),
                    None => keys.set.iter().for_each(|(_, key)| send(key)),
                },
                Payload::Json => {
                    let mut json = |op, keys: &mut dyn Iterator<Item = &[u8]>| {
                        let limit = target.delivery.json_limit();
                        payload::json(&target.schema, &target.table, op, keys, limit, &mut send);
                    };
                    match keys.all {
                        Some((_, op)) => json(op, &mut target.patterns.iter().map(Vec::as_slice)),
                        None => {
                            for op in [Op::Insert, Op::Update, Op::Delete] {
                                let mut of_op = keys
                                    .set
                                    .iter()
                                    .filter(|(of_key, _)| *of_key == Some(op))
                                    .map(|(_, key)| key);
                                json(op, &mut of_op);
                            }
                        }
                    }
                }
                Payload::Event => {
                    let node_id = node_id();
                    let mut event = |op: Op, id: &[u8]| {
                        let kind = op.event_type().as_bytes();
                        let mut message = payload::event(kind, &target.table, id, &node_id);
                        if message.len() > LIMIT {
                            message = payload::event(kind, &target.table, b"*", &node_id);
                        }
                        send(&message);
                    };
                    match keys.all {
                        Some((_, op)) => event(op, b"*"),
                        None => {
                            for (op, key) in keys.set.iter() {
                                event(op.unwrap_or(Op::Any), key);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn target(table: &str, payload: Payload) -> Rc<Target> {
        Rc::new(Target {
            delivery: Delivery::Notify,
            channel: b"c".to_vec(),
            payload,
            schema: b"public".to_vec(),
            table: table.into(),
            patterns: vec![format!("{table}:*").into_bytes()],
            json_budget: payload::json_budget(b"public", table.as_bytes(), LIMIT),
        })
    }

    fn sent(pending: &Pending) -> Vec<String> {
        let mut sent = Vec::new();
        pending.messages(
            || b"n".to_vec(),
            |target, message| {
                assert_eq!(target.channel, b"c");
                sent.push(String::from_utf8(message.to_vec()).unwrap());
            },
        );
        sent
    }

    fn add(pending: &mut Pending, target: &Rc<Target>, level: i32, key: &str, max_keys: usize) {
        let slot = pending.slot(target, level);
        pending.add(slot, level, Op::Update, key.as_bytes(), max_keys);
    }

    #[test]
    fn each_key_once_in_order() {
        let (mut pending, t) = (Pending::default(), target("t", Payload::Key));
        assert!(pending.is_empty());
        for key in ["t:2", "t:1", "t:2"] {
            add(&mut pending, &t, 1, key, 10);
        }
        // An equal target made by another trigger is the same target.
        add(&mut pending, &target("t", Payload::Key), 1, "t:1", 10);
        assert_eq!(sent(&pending), ["t:2", "t:1"]);
    }

    #[test]
    fn beyond_max_keys_one_star() {
        let (mut pending, t) = (Pending::default(), target("t", Payload::Key));
        for i in 0..3 {
            add(&mut pending, &t, 1, &format!("t:{i}"), 3);
        }
        assert_eq!(sent(&pending).len(), 3);
        add(&mut pending, &t, 1, "t:1", 3);
        assert_eq!(sent(&pending).len(), 3);
        add(&mut pending, &t, 1, "t:3", 3);
        assert_eq!(sent(&pending), ["t:*"]);
        assert_eq!(pending.targets[0].1.set.len(), 0);
        let slot = pending.slot(&t, 1);
        assert!(pending.is_settled(slot, Op::Update));
    }

    #[test]
    fn a_star_that_is_rolled_back_gives_the_keys_back() {
        let (mut pending, t) = (Pending::default(), target("t", Payload::Key));
        add(&mut pending, &t, 1, "t:a", 2);
        add(&mut pending, &t, 2, "t:b", 2);
        add(&mut pending, &t, 3, "t:c", 2);
        assert_eq!(sent(&pending), ["t:*"]);
        pending.abort_level(3);
        assert_eq!(sent(&pending), ["t:a", "t:b"]);
        pending.abort_level(2);
        assert_eq!(sent(&pending), ["t:a"]);
        add(&mut pending, &t, 2, "t:b", 2);
        add(&mut pending, &t, 3, "t:c", 2);
        pending.commit_level(3);
        assert_eq!(sent(&pending), ["t:*"]);
        pending.commit_level(2);
        assert_eq!(sent(&pending), ["t:*"]);
        assert_eq!(pending.targets[0].1.set.len(), 0);
    }

    #[test]
    fn a_key_too_long_becomes_a_star() {
        for payload in [Payload::Key, Payload::Json] {
            let (mut pending, t) = (Pending::default(), target("t", payload));
            add(&mut pending, &t, 1, &"x".repeat(LIMIT + 1), 10);
            let slot = pending.slot(&t, 1);
            assert!(pending.is_settled(slot, Op::Update));
        }
        let (mut pending, t) = (Pending::default(), target("t", Payload::Event));
        add(&mut pending, &t, 1, &"x".repeat(LIMIT - 20), 10);
        assert_eq!(
            sent(&pending),
            [r#"{"type":"update","collection":"t","id":"*","node_id":"n"}"#]
        );
    }

    #[test]
    fn json_and_events_tell_operations_apart() {
        let ops = [(Op::Insert, "1"), (Op::Delete, "1"), (Op::Insert, "2"), (Op::Insert, "1")];
        let (mut pending, t) = (Pending::default(), target("t", Payload::Json));
        for (op, key) in ops {
            let slot = pending.slot(&t, 1);
            pending.add(slot, 1, op, key.as_bytes(), 10);
        }
        assert_eq!(
            sent(&pending),
            [
                r#"{"schema":"public","table":"t","op":"INSERT","keys":["1","2"]}"#,
                r#"{"schema":"public","table":"t","op":"DELETE","keys":["1"]}"#
            ]
        );
        let slot = pending.slot(&t, 1);
        pending.add_all(slot, 1, Op::Truncate);
        assert_eq!(sent(&pending), [r#"{"schema":"public","table":"t","op":"*","keys":["t:*"]}"#]);
        let (mut pending, t) = (Pending::default(), target("t", Payload::Event));
        for (op, key) in ops {
            let slot = pending.slot(&t, 1);
            pending.add(slot, 1, op, key.as_bytes(), 10);
        }
        assert_eq!(
            sent(&pending),
            [
                r#"{"type":"create","collection":"t","id":"1","node_id":"n"}"#,
                r#"{"type":"delete","collection":"t","id":"1","node_id":"n"}"#,
                r#"{"type":"create","collection":"t","id":"2","node_id":"n"}"#
            ]
        );
    }

    #[test]
    fn a_truncate_says_so_as_long_as_nothing_else_happened() {
        let (mut pending, t) = (Pending::default(), target("t", Payload::Json));
        let slot = pending.slot(&t, 1);
        pending.add_all(slot, 1, Op::Truncate);
        pending.add_all(slot, 1, Op::Truncate);
        assert_eq!(
            sent(&pending),
            [r#"{"schema":"public","table":"t","op":"TRUNCATE","keys":["t:*"]}"#]
        );
        pending.add(slot, 1, Op::Insert, b"1", 10);
        assert!(sent(&pending)[0].contains(r#""op":"*""#));
    }

    /// Against the obvious model: a stack of lists, one for each level.
    #[test]
    fn any_nesting_agrees_with_a_stack_of_sets() {
        let mut seed = 42_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for max_keys in [1, 2, 3, 5, 100] {
            let (mut pending, t) = (Pending::default(), target("t", Payload::Key));
            // Per level: its keys, and whether it gave up for `*`.
            let mut model: Vec<(Vec<String>, bool)> = vec![(vec![], false)];
            for _ in 0..20_000 {
                let level = model.len() as i32;
                match random(10) {
                    0 if level < 7 => model.push((vec![], false)),
                    1 if level > 1 => {
                        pending.abort_level(level);
                        model.pop();
                    }
                    2 if level > 1 => {
                        pending.commit_level(level);
                        let (keys, all) = model.pop().unwrap();
                        let parent = model.last_mut().unwrap();
                        parent.0.extend(keys);
                        parent.1 |= all;
                    }
                    3 if level == 1 && random(20) == 0 => {
                        pending = Pending::default();
                        model = vec![(vec![], false)];
                    }
                    _ => {
                        let key = format!("t:{}", random(8));
                        add(&mut pending, &t, level, &key, max_keys);
                        let all = model.iter().any(|(_, all)| *all);
                        let known: Vec<&String> = model.iter().flat_map(|(keys, _)| keys).collect();
                        let (is_new, full) = (!known.contains(&&key), known.len() >= max_keys);
                        let own = model.last_mut().unwrap();
                        match (all, is_new, full) {
                            (false, true, true) => own.1 = true,
                            (false, true, false) => own.0.push(key),
                            _ => {}
                        }
                    }
                }
                let expected: Vec<String> = if model.iter().any(|(_, all)| *all) {
                    vec!["t:*".to_owned()]
                } else {
                    model.iter().flat_map(|(keys, _)| keys.clone()).collect()
                };
                assert_eq!(sent(&pending), expected);
                if let Some((_, keys)) = pending.targets.first() {
                    assert!(keys.set.len() <= max_keys);
                }
            }
        }
    }
}
