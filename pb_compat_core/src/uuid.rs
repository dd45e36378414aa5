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

use ::uuid::{Uuid, Variant};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use zerocopy::IntoBytes;
use zeroize::Zeroize;

const FRACTION_BITS: u32 = 12;
const COUNTER_SHIFT: u32 = 44;
const COUNTER_END: u64 = 1 << 18;
const RANDOM_MASK: u64 = (1 << COUNTER_SHIFT) - 1;
/// What is left beside the variant.
const LOW_MASK: u64 = (1 << 62) - 1;
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
    #[inline]
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

    #[inline]
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

    /// Whole milliseconds since 1970.
    pub fn millis(self) -> u64 {
        self.0 >> FRACTION_BITS
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
    /// What a UUID is made of, if it is of version 7.
    pub fn read(uuid: Uuid) -> Option<Self> {
        let bits = uuid.as_u128();
        let high = (bits >> 64) as u64;
        let step = Step((high >> 16 << FRACTION_BITS) | (high & ((1 << FRACTION_BITS) - 1)));
        let parts = Self { step, low: bits as u64 & LOW_MASK };
        (uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122).then_some(parts)
    }

    #[inline]
    pub fn uuid(self) -> Uuid {
        let fraction = self.step.0 & ((1 << FRACTION_BITS) - 1);
        let high = (self.step.millis() << 16) | (7 << 12) | fraction;
        Uuid::from_u64_pair(high, (0b10 << 62) | (self.low & LOW_MASK))
    }
}

/// Bytes from the operating system, 4 KiB a fill: a system call per 512 ids.
struct RandomBuffer {
    words: [u64; Self::WORDS],
    next: usize,
}

impl RandomBuffer {
    const WORDS: usize = 512;

    #[inline]
    fn take(&mut self, source: &mut impl Randomness) -> Result<u64, Error> {
        if self.next == Self::WORDS {
            self.refill(source)?;
        }
        let slot = &mut self.words[self.next];
        let word = *slot;
        // A later look into this process's memory must not tell which bits earlier ids were given.
        slot.zeroize();
        self.next += 1;
        Ok(word)
    }

    #[cold]
    fn refill(&mut self, source: &mut impl Randomness) -> Result<(), Error> {
        if let Err(error) = source.fill(self.words.as_mut_bytes()) {
            self.wipe();
            return Err(error);
        }
        self.next = 0;
        Ok(())
    }

    fn wipe(&mut self) {
        self.words.zeroize();
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
            random: RandomBuffer { words: [0; _], next: RandomBuffer::WORDS },
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
    #[inline]
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
mod unit;
