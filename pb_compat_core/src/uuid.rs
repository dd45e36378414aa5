//! Version 7 UUIDs of RFC 9562, without a server: clock and randomness are handed in.
//!
//! ```text
//! 48 bits  milliseconds since 1970
//!  4 bits  version
//! 12 bits  fraction of the millisecond, in 1/4096 (RFC 9562, section 6.2, method 3)
//!  2 bits  variant
//! 18 bits  counter, where the fraction repeats (method 1); starts at random with its highest bit clear
//! 44 bits  random
//! ```
//!
//! The fraction steps every 244 ns, so an id in an unhurried backend carries 61 random bits. While the clock shows the
//! same step, or an earlier one, the last step is kept and the counter goes up, at least 131,072 times. Only then does
//! the step go up by one: ids never run ahead of the latest clock reading by more than 244 ns per 131,072 ids made
//! within one step, which no backend can keep up with.

use ::uuid::{Builder, Uuid};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use zeroize::Zeroize;

const FRACTION_BITS: u32 = 12;
const COUNTER_SHIFT: u32 = 44;
const COUNTER_END: u64 = 1 << 18;
const RANDOM_MASK: u64 = (1 << COUNTER_SHIFT) - 1;
/// A fresh step leaves the counter's highest bit clear, so that it can count.
const FRESH_MASK: u64 = (1 << 61) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    #[error("timestamp out of range for a version 7 UUID")]
    TimeOutOfRange,
    #[error("the system clock is out of range for a version 7 UUID")]
    ClockOutOfRange,
    #[error("could not read random bytes from the operating system")]
    NoRandomness,
}

/// Where the time comes from: since 1970, or nothing while the clock stands before it.
pub trait Clock {
    fn now(&mut self) -> Option<Duration>;
}

/// Where randomness comes from: fills the whole buffer, or nothing of it counts.
pub trait Randomness {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error>;
}

/// The host's clock; read through the vDSO, so without a system call.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&mut self) -> Option<Duration> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok()
    }
}

/// The operating system's generator.
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, buffer)
            .map_err(|_| Error::NoRandomness)
    }
}

/// Time as a version 7 UUID holds it: 48 bits of milliseconds and 12 bits of fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step(u64);

impl Step {
    pub const END: u64 = 1 << (48 + FRACTION_BITS);

    pub fn new(number: u64) -> Option<Self> {
        (number < Self::END).then_some(Self(number))
    }

    fn from_clock(since_1970: Duration) -> Option<Self> {
        // Seconds that overflow this product lie far beyond the 48 bits as well.
        let millis =
            since_1970.as_secs().checked_mul(1000)? + u64::from(since_1970.subsec_millis());
        if millis >= 1 << 48 {
            return None;
        }
        let nanos = u64::from(since_1970.subsec_nanos() % 1_000_000);
        Some(Self((millis << FRACTION_BITS) | ((nanos << FRACTION_BITS) / 1_000_000)))
    }

    pub fn number(self) -> u64 {
        self.0
    }
}

/// What an id is made of, apart from the constant bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub step: Step,
    /// Counter and random bits, 62 in all.
    pub low: u64,
}

impl Parts {
    pub fn uuid(self) -> Uuid {
        let mut tail = [0; 10];
        tail[..2].copy_from_slice(&(self.step.0 as u16).to_be_bytes());
        tail[2..].copy_from_slice(&self.low.to_be_bytes());
        // Sets version and variant over the bits of `tail` that are not ours.
        Builder::from_unix_timestamp_millis(self.step.0 >> FRACTION_BITS, &tail).into_uuid()
    }
}

/// Bytes from the operating system, 4 KiB a fill: a system call per 512 ids.
struct RandomBuffer {
    words: [[u8; 8]; Self::WORDS],
    next: usize,
}

impl RandomBuffer {
    const WORDS: usize = 512;

    fn take(&mut self, source: &mut impl Randomness) -> Result<u64, Error> {
        if self.next == Self::WORDS {
            if let Err(error) = source.fill(self.words.as_flattened_mut()) {
                self.wipe();
                return Err(error);
            }
            self.next = 0;
        }
        let slot = &mut self.words[self.next];
        let word = u64::from_ne_bytes(*slot);
        // A later look into this process's memory must not tell which bits earlier ids were given.
        slot.zeroize();
        self.next += 1;
        Ok(word)
    }

    fn wipe(&mut self) {
        self.words.as_flattened_mut().zeroize();
        self.next = Self::WORDS;
    }
}

/// Makes the ids of one process.
pub struct Generator {
    process: u32,
    last: Parts,
    random: RandomBuffer,
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl Generator {
    pub const fn new() -> Self {
        Self {
            process: 0,
            last: Parts { step: Step(0), low: 0 },
            random: RandomBuffer { words: [[0; 8]; _], next: RandomBuffer::WORDS },
        }
    }

    /// Forgets everything that was made under another process id, so that nothing survives a fork.
    #[inline]
    pub fn belong_to(&mut self, process: u32) {
        if self.process != process {
            self.random.wipe();
            self.last = Parts { step: Step(0), low: 0 };
            self.process = process;
        }
    }

    /// The next id, greater than every one before it. After an error nothing has changed.
    pub fn next(
        &mut self,
        clock: &mut impl Clock,
        source: &mut impl Randomness,
    ) -> Result<Parts, Error> {
        let now = clock.now().and_then(Step::from_clock).ok_or(Error::ClockOutOfRange)?;
        let random = self.random.take(source)?;
        if now > self.last.step {
            self.last = Parts { step: now, low: random & FRESH_MASK };
            return Ok(self.last);
        }
        let counter = (self.last.low >> COUNTER_SHIFT) + 1;
        self.last = if counter < COUNTER_END {
            Parts { low: (counter << COUNTER_SHIFT) | (random & RANDOM_MASK), ..self.last }
        } else {
            let step = Step::new(self.last.step.0 + 1).ok_or(Error::ClockOutOfRange)?;
            Parts { step, low: random & FRESH_MASK }
        };
        Ok(self.last)
    }

    /// An id of the given millisecond whose other bits are random.
    pub fn at(&mut self, millis: u64, source: &mut impl Randomness) -> Result<Uuid, Error> {
        if millis >= 1 << 48 {
            return Err(Error::TimeOutOfRange);
        }
        let fraction = self.random.take(source)? & ((1 << FRACTION_BITS) - 1);
        let step = Step((millis << FRACTION_BITS) | fraction);
        Ok(Parts { step, low: self.random.take(source)? }.uuid())
    }
}

#[cfg(test)]
mod unit {
    use super::*;

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
        fills: usize,
        fail: bool,
    }

    impl Randomness for Sequence {
        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
            if self.fail {
                buffer[..8].fill(0xAA);
                return Err(Error::NoRandomness);
            }
            self.fills += 1;
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
    const STEP: Duration = Duration::from_nanos(245);

    fn generate(generator: &mut Generator, source: &mut Sequence, at: Duration) -> Uuid {
        generator.next(&mut Scripted(Some(at)), source).unwrap().uuid()
    }

    fn millis(uuid: Uuid) -> u64 {
        (uuid.as_u128() >> 80) as u64
    }

    #[test]
    fn layout_is_that_of_the_rfc() {
        let at = NOON + Duration::from_micros(500);
        let parts =
            Generator::new().next(&mut Scripted(Some(at)), &mut Sequence::default()).unwrap();
        let uuid = parts.uuid();
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_variant(), ::uuid::Variant::RFC4122);
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
    fn ids_increase_whatever_the_clock_does() {
        let (mut generator, mut source) = (Generator::new(), Sequence::default());
        let hour = Duration::from_secs(3600);
        let script = [
            NOON,
            NOON,
            NOON + STEP,
            NOON - Duration::from_millis(1),
            NOON - hour,
            NOON + STEP,
            NOON + hour,
            NOON,
            NOON + hour + STEP,
        ];
        let mut previous = Uuid::nil();
        for at in script {
            for _ in 0..1000 {
                let uuid = generate(&mut generator, &mut source, at);
                assert!(uuid > previous, "{uuid} after {previous} at {at:?}");
                previous = uuid;
            }
        }
    }

    #[test]
    fn a_moving_clock_is_followed_exactly() {
        let (mut generator, mut source) = (Generator::new(), Sequence::default());
        for ms in 0..1000 {
            let at = NOON + Duration::from_millis(ms);
            assert_eq!(millis(generate(&mut generator, &mut source, at)), at.as_millis() as u64);
        }
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
    fn randomness_is_bought_by_4_kib_and_wiped_once_used() {
        let (mut generator, mut source) = (Generator::new(), Sequence::default());
        for made in 1..=1024 {
            generate(&mut generator, &mut source, NOON);
            assert_eq!(source.fills, if made <= 512 { 1 } else { 2 });
            let used = generator.random.next;
            assert!(generator.random.words[..used].as_flattened().iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_child_process_shares_nothing() {
        let (mut generator, mut source) = (Generator::new(), Sequence::default());
        generator.belong_to(1);
        generate(&mut generator, &mut source, NOON);
        generator.belong_to(1);
        generate(&mut generator, &mut source, NOON);
        assert_eq!(source.fills, 1);
        generator.belong_to(2);
        assert!(generator.random.words.as_flattened().iter().all(|byte| *byte == 0));
        generate(&mut generator, &mut source, NOON);
        assert_eq!(source.fills, 2);
    }

    #[test]
    fn failing_randomness_is_an_error_and_leaves_nothing_behind() {
        let (mut generator, mut source) = (Generator::new(), Sequence::default());
        source.fail = true;
        let clock = &mut Scripted(Some(NOON));
        assert_eq!(generator.next(clock, &mut source), Err(Error::NoRandomness));
        assert!(generator.random.words.as_flattened().iter().all(|byte| *byte == 0));
        source.fail = false;
        assert!(generator.next(clock, &mut source).is_ok());
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
}
