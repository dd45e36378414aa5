//! What each layout and limit is; [`scripts`] has what holds whatever happens.

use super::*;

mod scripts;

struct Scripted(Option<Duration>);

impl Clock for Scripted {
    fn now(&mut self) -> Option<Duration> {
        self.0
    }
}

/// A sequence whose bits look random enough to catch an order that relies on them (SplitMix64).
#[derive(Default)]
struct Sequence {
    state: u64,
}

impl Randomness for Sequence {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        for word in buffer.chunks_mut(8) {
            self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word.copy_from_slice(&(z ^ (z >> 31)).to_ne_bytes());
        }
        Ok(())
    }
}

const NOON: Duration = Duration::from_millis(1_700_000_000_123);

fn generate(generator: &mut Generator, source: &mut Sequence, at: Duration) -> Uuid {
    generator.next(&mut Scripted(Some(at)), source).unwrap().uuid()
}

fn millis(uuid: Uuid) -> u64 {
    (uuid.as_u128() >> 80) as u64
}

#[test]
fn layout_is_that_of_the_rfc() {
    let at = NOON + Duration::from_micros(500);
    let parts = Generator::new().next(&mut Scripted(Some(at)), &mut Sequence::default()).unwrap();
    let uuid = parts.uuid();
    assert_eq!(uuid.get_version_num(), 7);
    assert_eq!(uuid.get_variant(), Variant::RFC4122);
    assert_eq!(millis(uuid), 1_700_000_000_123);
    assert_eq!((uuid.as_u128() >> 64) & 0xFFF, 2048, "half a millisecond");
    assert_eq!(uuid.as_u128() as u64 & ((1 << 62) - 1), parts.low);
    // The example of RFC 9562, appendix A.6: its fraction and tail, laid out by us.
    let example = Parts {
        step: Step((0x017F_22E2_79B0 << 12) | 0xCC3),
        low: 0x98C4_DC0C_0C07_398F & ((1 << 62) - 1),
    };
    assert_eq!(example.uuid().to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
}

#[test]
fn a_still_clock_is_hardly_outrun() {
    let (mut generator, mut source) = (Generator::new(), Sequence::default());
    let first = generator.next(&mut Scripted(Some(NOON)), &mut source).unwrap();
    let mut last = first;
    for _ in 0..5_000_000 {
        let next = generator.next(&mut Scripted(Some(NOON)), &mut source).unwrap();
        assert!(next.uuid() > last.uuid());
        last = next;
    }
    // 5,000,000 / 131,072 steps of 244 ns.
    assert!(last.step.0 - first.step.0 <= 39, "{} steps", last.step.0 - first.step.0);
}

#[test]
fn the_counter_starts_at_random_and_the_tail_is_always_new() {
    let mut source = Sequence::default();
    let mut starts = Vec::new();
    for _ in 0..64 {
        let parts = Generator::new().next(&mut Scripted(Some(NOON)), &mut source).unwrap();
        starts.push(parts.low >> COUNTER_SHIFT);
    }
    starts.sort_unstable();
    starts.dedup();
    assert!(starts.len() > 60, "{} different starts of 64", starts.len());
    assert!(starts.iter().all(|start| *start < COUNTER_END / 2));

    let mut generator = Generator::new();
    let a = generator.next(&mut Scripted(Some(NOON)), &mut source).unwrap();
    let b = generator.next(&mut Scripted(Some(NOON)), &mut source).unwrap();
    assert_eq!(b.low >> COUNTER_SHIFT, (a.low >> COUNTER_SHIFT) + 1);
    assert_ne!(b.low & RANDOM_MASK, a.low & RANDOM_MASK);
}

#[test]
fn the_end_of_48_bits_is_an_error_and_changes_nothing() {
    let (mut generator, mut source) = (Generator::new(), Sequence::default());
    let end = Duration::from_millis(1 << 48);
    let last_instant = end - Duration::from_nanos(1);
    let out = Err(Error::ClockOutOfRange);
    assert_eq!(generator.next(&mut Scripted(Some(end)), &mut source), out);
    assert_eq!(generator.next(&mut Scripted(Some(Duration::MAX)), &mut source), out);
    assert_eq!(generator.next(&mut Scripted(None), &mut source), out);
    assert_eq!(millis(generate(&mut generator, &mut source, last_instant)), (1 << 48) - 1);
    // The last step can count, but not step up.
    let mut made = 0_u64;
    let stopped = loop {
        match generator.next(&mut Scripted(Some(last_instant)), &mut source) {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(stopped, Error::ClockOutOfRange);
    assert!(made >= COUNTER_END / 2 - 1, "{made}");
    for past_the_end in [1 << 48, u64::MAX] {
        assert_eq!(generator.at(past_the_end, &mut source), Err(Error::TimeOutOfRange));
    }
    assert_eq!(millis(generator.at((1 << 48) - 1, &mut source).unwrap()), (1 << 48) - 1);
}

#[test]
fn the_system_clock_and_generator_work() {
    let mut generator = Generator::new();
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let parts = generator.next(&mut SystemClock, &mut SystemRandomness).unwrap();
    let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let step = parts.step;
    assert!(Step::from_clock(before).unwrap() <= step);
    assert!(step <= Step::from_clock(after).unwrap());
}
