//! Clock, randomness and process do whatever they like, in any order: what must hold all the same.

use super::super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const NOON: Duration = Duration::from_millis(1_700_000_000_123);
const HOUR: Duration = Duration::from_secs(3600);
const END: Duration = Duration::from_millis(1 << 48);

#[derive(Clone, Debug)]
enum Event {
    /// So many ids are asked for.
    Make(u32),
    Forward(Duration),
    Back(Duration),
    /// That long before, or with `false` at or after, the end of 48 bits.
    NearTheEnd(bool, Duration),
    /// It stands before 1970.
    NoClock,
    Noon,
    /// Every byte that the source gives from now on.
    Bytes(u8),
    /// Its bytes are a sequence again.
    Sequence(u64),
    /// The source fails from now on, after that many bytes of a fill, or works again.
    Fails(Option<u16>),
    /// The backend is another process now.
    Fork,
}

fn event() -> impl Strategy<Value = Event> {
    let nanos = |max: u64| (0..=max).prop_map(Duration::from_nanos);
    prop_oneof![
        20 => (1_u32..700).prop_map(Event::Make),
        1 => (130_000_u32..300_000).prop_map(Event::Make),
        6 => nanos(2_000).prop_map(Event::Forward),
        3 => nanos(3_000_000).prop_map(Event::Forward),
        1 => Just(Event::Forward(HOUR)),
        3 => Just(Event::Back(Duration::from_millis(1))),
        2 => Just(Event::Back(HOUR)),
        2 => nanos(2_000).prop_map(Event::Back),
        1 => nanos(2_000).prop_map(|by| Event::NearTheEnd(true, by)),
        1 => nanos(2_000).prop_map(|by| Event::NearTheEnd(false, by)),
        1 => Just(Event::NoClock),
        2 => Just(Event::Noon),
        2 => any::<u8>().prop_map(Event::Bytes),
        1 => Just(Event::Bytes(0xFF)),
        2 => any::<u64>().prop_map(Event::Sequence),
        2 => (0_u16..4096).prop_map(|bytes| Event::Fails(Some(bytes))),
        3 => Just(Event::Fails(None)),
        2 => Just(Event::Fork),
    ]
}

struct World {
    now: Option<Duration>,
    byte: Option<u8>,
    state: u64,
    fails: Option<u16>,
    fills: usize,
}

impl Clock for World {
    fn now(&mut self) -> Option<Duration> {
        self.now
    }
}

/// The clock and the source are lent at the same time.
struct Source<'a>(&'a mut World);

impl Randomness for Source<'_> {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        self.0.fills += 1;
        let length = self.0.fails.map_or(buffer.len(), usize::from);
        for byte in &mut buffer[..length] {
            self.0.state = self.0.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = self.0.byte.unwrap_or((self.0.state >> 56) as u8);
        }
        if self.0.fails.is_some() { Err(Error::NoRandomness) } else { Ok(()) }
    }
}

struct Now(Option<Duration>);

impl Clock for Now {
    fn now(&mut self) -> Option<Duration> {
        self.0
    }
}

fn is_wiped(generator: &Generator) -> bool {
    generator.random.words[..generator.random.next].iter().all(|word| *word == 0)
}

fn play(events: Vec<Event>) -> Result<(), TestCaseError> {
    let mut world = World { now: Some(NOON), byte: None, state: 1, fails: None, fills: 0 };
    let mut generator = Generator::new();
    let mut process = 1;
    generator.belong_to(process);
    let mut last: Option<Uuid> = None;
    // The greatest reading of this process, and the ids made since it was met.
    let mut latest = Step(0);
    let mut since = 0_u64;
    for event in events {
        match event {
            Event::Make(count) => {
                let reading = world.now.and_then(Step::from_clock);
                for _ in 0..count {
                    let before = (generator.last, generator.random.next);
                    let fills = world.fills;
                    let out = generator.next(&mut Now(world.now), &mut Source(&mut world));
                    match out {
                        Ok(parts) => {
                            let reading = reading.expect("no id without a clock");
                            let uuid = parts.uuid();
                            prop_assert!(
                                last.is_none_or(|last| uuid > last),
                                "{uuid} after {last:?}"
                            );
                            prop_assert_eq!(Parts::read(uuid), Some(parts));
                            if reading > latest && reading > before.0.step {
                                // A clock that moves on is followed exactly.
                                prop_assert_eq!(parts.step, reading);
                                since = 0;
                            }
                            latest = latest.max(reading);
                            since += 1;
                            let ahead = parts.step.0.saturating_sub(latest.0);
                            prop_assert!(
                                ahead <= since / (COUNTER_END / 2),
                                "{ahead} steps ahead, {since} ids"
                            );
                            prop_assert_eq!(generator.last, parts);
                            last = Some(uuid);
                        }
                        Err(Error::NoRandomness) => {
                            prop_assert!(world.fails.is_some() && world.fills == fills + 1);
                            prop_assert_eq!(generator.last, before.0);
                            prop_assert_eq!(generator.random.next, RandomBuffer::WORDS);
                            prop_assert!(is_wiped(&generator), "a failed fill is left behind");
                            break;
                        }
                        Err(error) => {
                            prop_assert_eq!(error, Error::ClockOutOfRange);
                            prop_assert!(
                                reading
                                    .is_none_or(|now| now.0.max(before.0.step.0) == Step::END - 1)
                            );
                            prop_assert_eq!(generator.last, before.0);
                            break;
                        }
                    }
                    // One fill for 512 ids, however it is asked.
                    prop_assert_eq!(
                        world.fills - fills,
                        usize::from(before.1 == RandomBuffer::WORDS)
                    );
                }
                prop_assert!(is_wiped(&generator), "consumed bytes are left behind");
            }
            Event::Forward(by) => world.now = world.now.map(|now| now.saturating_add(by)),
            Event::Back(by) => world.now = world.now.and_then(|now| now.checked_sub(by)),
            Event::NearTheEnd(true, by) => {
                world.now = END.checked_sub(by + Duration::from_nanos(1))
            }
            Event::NearTheEnd(false, by) => world.now = END.checked_add(by),
            Event::NoClock => world.now = None,
            Event::Noon => world.now = Some(NOON),
            Event::Bytes(byte) => world.byte = Some(byte),
            Event::Sequence(state) => (world.byte, world.state) = (None, state),
            Event::Fails(fails) => world.fails = fails,
            Event::Fork => {
                process += 1;
                generator.belong_to(process);
                prop_assert_eq!(generator.last, Generator::new().last);
                prop_assert_eq!(generator.random.next, RandomBuffer::WORDS);
                prop_assert!(is_wiped(&generator), "the parent's bytes are left behind");
                (last, latest, since) = (None, Step(0), 0);
                // The same process again changes nothing.
                generator.belong_to(process);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ids_increase_whatever_happens(events in vec(event(), 1..60)) {
        play(events)?;
    }

    #[test]
    fn every_uuid_of_version_7_is_read_and_made_again(bits: u128) {
        let uuid = Uuid::from_u128(bits);
        let seven = bits >> 76 & 0xF == 7 && bits >> 62 & 3 == 2;
        let parts = Parts::read(uuid);
        prop_assert_eq!(parts.is_some(), seven);
        // One random UUID in 64 is of version 7, so the bits are made such as well.
        let forced = Uuid::from_u128(bits & !(0xF << 76 | 3 << 62) | 7 << 76 | 2 << 62);
        let parts = Parts::read(forced).expect("version 7");
        prop_assert_eq!(parts.uuid(), forced);
        prop_assert_eq!(parts.step.millis(), (bits >> 80) as u64);
        prop_assert!(Step::new(parts.step.number()) == Some(parts.step));
    }

    #[test]
    fn ids_are_in_the_order_of_their_parts(a: (u64, u64), b: (u64, u64)) {
        let parts = |(step, low): (u64, u64)| Parts { step: Step(step % Step::END), low: low & LOW_MASK };
        let (a, b) = (parts(a), parts(b));
        prop_assert_eq!((a.step, a.low).cmp(&(b.step, b.low)), a.uuid().cmp(&b.uuid()));
    }
}
