#![no_main]
//! Clock and randomness do what the fuzzer likes: ids increase, stay with the clock, and are read back as what they were
//! made of; errors change nothing.

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pb_compat_core::uuid::{Clock, Error, Generator, Parts, Randomness, Step};
use std::time::Duration;
use uuid::Uuid;

#[derive(Arbitrary, Debug)]
enum Event {
    Make(u8),
    MakeMany,
    Set { millis: u64, nanos: u32 },
    Forward { nanos: u32 },
    Back { nanos: u32 },
    BackMillis(u32),
    NoClock,
    Byte(u8),
    Bytes(u64),
    Fail,
    Work,
    Fork,
}

#[derive(Arbitrary, Debug)]
struct Script {
    bits: u128,
    other: u128,
    millis: u64,
    events: Vec<Event>,
}

struct Now(Option<Duration>);

impl Clock for Now {
    fn now(&mut self) -> Option<Duration> {
        self.0
    }
}

struct Source {
    byte: Option<u8>,
    state: u64,
    fails: bool,
}

impl Randomness for Source {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        match self.byte {
            Some(byte) => buffer.fill(byte),
            None => {
                for word in buffer.chunks_exact_mut(8) {
                    self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    word.copy_from_slice(&(self.state ^ self.state >> 29).to_ne_bytes());
                }
            }
        }
        if self.fails { Err(Error::NoRandomness) } else { Ok(()) }
    }
}

/// Reading and making are inverse, and the order of ids is that of their parts.
fn codec(bits: u128, other: u128) {
    let seven = |bits: u128| Uuid::from_u128(bits & !(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62);
    let uuid = Uuid::from_u128(bits);
    assert_eq!(Parts::read(uuid).is_some(), uuid == seven(bits));
    let (a, b) = (seven(bits), seven(other));
    let read = |uuid| Parts::read(uuid).expect("version 7");
    assert_eq!((read(a).uuid(), read(b).uuid()), (a, b));
    let key = |uuid| (read(uuid).step, read(uuid).low);
    assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
    assert_eq!(Step::new(read(a).step.number()), Some(read(a).step));
}

/// The step of a reading, reckoned in whole nanoseconds.
fn step(now: Duration) -> Option<u64> {
    let step = (now.as_nanos() << 12) / 1_000_000;
    u64::try_from(step).ok().filter(|step| *step < Step::END)
}

fuzz_target!(|script: Script| {
    codec(script.bits, script.other);
    let mut generator = Generator::new();
    let mut clock = Now(Some(Duration::from_millis(script.millis >> 16)));
    let mut source = Source { byte: None, state: script.millis, fails: false };
    let (mut process, mut last, mut latest, mut made, mut many) = (1, None::<Parts>, 0, 0_u64, 0);
    generator.belong_to(process);
    for event in script.events {
        let count = match event {
            Event::Make(count) => u32::from(count),
            // As many as make the counter overflow where it starts high. Takes long, so seldom.
            Event::MakeMany if many == 0 && script.millis % 32 == 0 => {
                many = 1;
                135_000
            }
            Event::MakeMany => 0,
            Event::Set { millis, nanos } => {
                clock.0 = Duration::from_millis(millis >> 15)
                    .checked_add(Duration::from_nanos(nanos.into()));
                0
            }
            Event::Forward { nanos } => {
                clock.0 =
                    clock.0.and_then(|now| now.checked_add(Duration::from_nanos(nanos.into())));
                0
            }
            Event::Back { nanos } => {
                clock.0 =
                    clock.0.and_then(|now| now.checked_sub(Duration::from_nanos(nanos.into())));
                0
            }
            Event::BackMillis(millis) => {
                clock.0 =
                    clock.0.and_then(|now| now.checked_sub(Duration::from_millis(millis.into())));
                0
            }
            Event::NoClock => {
                clock.0 = None;
                0
            }
            Event::Byte(byte) => {
                source.byte = Some(byte);
                0
            }
            Event::Bytes(state) => {
                (source.byte, source.state) = (None, state);
                0
            }
            Event::Fail => {
                source.fails = true;
                0
            }
            Event::Work => {
                source.fails = false;
                0
            }
            Event::Fork => {
                process += 1;
                generator.belong_to(process);
                (last, latest, made) = (None, 0, 0);
                0
            }
        };
        for _ in 0..count {
            match generator.next(&mut clock, &mut source) {
                Ok(parts) => {
                    let reading = clock.0.and_then(step).expect("no id without a clock");
                    assert!(last.is_none_or(|last| parts.uuid() > last.uuid()));
                    assert_eq!(Parts::read(parts.uuid()), Some(parts));
                    assert!(parts.step.number() >= reading);
                    if reading > latest && last.is_none_or(|last| reading > last.step.number()) {
                        assert_eq!(parts.step.number(), reading);
                        made = 0;
                    }
                    latest = latest.max(reading);
                    made += 1;
                    assert!(parts.step.number() - latest <= made / 131_072);
                    last = Some(parts);
                }
                Err(Error::NoRandomness) => {
                    assert!(source.fails);
                    break;
                }
                Err(error) => {
                    assert_eq!(error, Error::ClockOutOfRange);
                    let end = last.is_some_and(|last| last.step.number() == Step::END - 1);
                    assert!(end || clock.0.and_then(step).is_none());
                    break;
                }
            }
        }
        if let Ok(uuid) = generator.at(script.millis, &mut source) {
            assert_eq!(Parts::read(uuid).expect("version 7").step.millis(), script.millis);
        }
    }
});
