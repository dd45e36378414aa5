//! What holds for every zone, period, key and clock: checked with random ones, most of them near a change of the clock.

use crate::coverage::Range;
use crate::front::Front;
use crate::key::{Bound, Exact, Key, Unit, Width};
use crate::period::{Age, DAY, Grid, Period, civil, position, timestamp};
use crate::plan::{expired, missing, wanted};
use crate::registry::{OnExpiry, Partition, Policy, Table};
use crate::schedule::{CatchUp, GRACE, Planned, Schedule, Verdict};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::HashSet;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

fn zone() -> impl Strategy<Value = TimeZone> {
    select(vec!["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"])
        .prop_map(|name| TimeZone::get(name).unwrap())
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        select(vec![1, 3, 12]).prop_map(Period::Months),
        select(vec![1, 2, 7, 10]).prop_map(Period::Days),
        select(vec![1, 5, 15, 30, 60, 90, 360])
            .prop_map(|minutes| Period::Micros(minutes * MINUTE)),
    ]
}

/// A zone and an instant of 2010 to 2037: anywhere, or within hours of a change of that zone's clock, the end of a month,
/// or that of a leap day.
fn moment() -> impl Strategy<Value = (TimeZone, Timestamp)> {
    let years = 0..27 * 365 * 24 * 3600i64;
    (zone(), years, 0..4, -4 * 3600..4 * 3600i64).prop_map(|(zone, second, kind, offset)| {
        let start: Timestamp = "2010-01-01T00:00:00Z".parse().unwrap();
        let at = start + SignedDuration::from_secs(second);
        let date = zone.to_datetime(at).date();
        let near = match kind {
            0 => zone.following(at).next().map(|change| change.timestamp()),
            1 => date
                .last_of_month()
                .tomorrow()
                .unwrap()
                .to_zoned(zone.clone())
                .ok()
                .map(|z| z.timestamp()),
            2 => {
                let year = date.year() - date.year() % 4;
                let leap = jiff::civil::date(year.max(2012), 2, 29);
                leap.to_zoned(zone.clone()).ok().map(|z| z.timestamp())
            }
            _ => None,
        };
        let at = near.map_or(at, |near| near + SignedDuration::from_secs(offset));
        (zone, at)
    })
}

/// What happens to the clock between two passes, in microseconds.
fn leap() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1..3 * HOUR,
        2 => 1..3 * DAY,
        1 => Just(-HOUR),
        1 => Just(30 * MINUTE),
        1 => Just(5 * HOUR),
        1 => 20 * DAY..90 * DAY,
    ]
}

fn key() -> impl Strategy<Value = Key> {
    select(vec![
        Key::Date,
        Key::Timestamp,
        Key::TimestampTz,
        Key::Uuid,
        Key::Epoch(Unit::Seconds, Width::Eight),
        Key::Epoch(Unit::Milliseconds, Width::Eight),
    ])
}

fn policy(key: Key, period: Period, zone: TimeZone, premake: i32, age: Option<Age>) -> Policy {
    Policy {
        table: Table::imagined("t"),
        key,
        grid: key.grid(period, &zone),
        zone,
        premake,
        retention: age,
        on_expiry: OnExpiry::Drop,
        unlogged: false,
        lock_timeout_ms: 1_000,
        max_runtime_ms: None,
    }
}

fn partition(name: String, range: Range) -> Partition {
    Partition {
        oid: pgrx::pg_sys::InvalidOid,
        schema: "public".into(),
        name,
        foreign: false,
        bound: Some(Bound::Range(range)),
        exact: Exact::default(),
        detach_pending: false,
    }
}

/// One pass as it would be: makes what is wanted, removes what has expired.
fn pass(policy: &Policy, partitions: &mut Vec<Partition>, front: Front) -> Vec<Range> {
    let window = crate::plan::horizon(policy, front).unwrap();
    for new in wanted(policy, partitions, window).unwrap() {
        partitions.push(partition(new.name, new.range));
    }
    partitions.sort_by_key(|p| p.range().map(|r| r.lower));
    let gone: Vec<Range> =
        expired(policy, partitions, front).unwrap().iter().filter_map(|p| p.range()).collect();
    partitions.retain(|p| !gone.contains(&p.range().unwrap()));
    gone
}

/// The times at which a schedule ran for a clock that is looked at so often.
fn runs(
    schedule: &Schedule,
    catch_up: CatchUp,
    first: Timestamp,
    clock: &[Timestamp],
) -> Vec<Timestamp> {
    let mut planned: Option<Planned> = Some(schedule.plan(first));
    let mut runs = vec![];
    for now in clock {
        match schedule.verdict(planned, catch_up, *now) {
            Verdict::Wait => {}
            Verdict::Replan(plan) => planned = Some(plan),
            Verdict::Run => {
                runs.push(*now);
                planned = Some(schedule.after_run(planned, *now));
            }
        }
    }
    runs
}

/// Every time of a schedule from one instant to another.
fn times(schedule: &Schedule, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let mut times = vec![];
    let mut at = schedule.plan(from).next;
    while at <= to {
        times.push(at);
        at = schedule.plan(at).next;
    }
    times
}

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}

mod unit {
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        /// Each instant lies in one period, and that begins where the one before it ends.
        #[test]
        fn periods_tile_the_line((zone, at) in moment(), period in period()) {
            let grid = Grid { period, zone };
            let at = position(at);
            let (lower, upper) = (grid.floor(at).unwrap(), grid.next(at).unwrap());
            prop_assert!(lower <= at && at < upper);
            prop_assert_eq!(grid.floor(lower).unwrap(), lower);
            prop_assert_eq!(grid.next(lower).unwrap(), upper);
            prop_assert_eq!(grid.floor(upper).unwrap(), upper);
            prop_assert_eq!(grid.floor(upper - 1).unwrap(), lower);
            prop_assert_eq!(grid.next(grid.floor(lower - 1).unwrap()).unwrap(), lower);
            // A period of days or months begins at midnight, or at the first instant of a day that has none.
            if !matches!(period, Period::Micros(_)) {
                let before = civil(lower - 1, &grid.zone).unwrap().date();
                prop_assert!(civil(lower, &grid.zone).unwrap().date() > before);
            }
        }

        /// A bound that is written and read again is where it was: none is moved by its literal.
        #[test]
        fn literals_stand_for_their_positions((zone, at) in moment(), period in period(), key in key()) {
            prop_assume!(key != Key::Date || !matches!(period, Period::Micros(_)));
            let grid = key.grid(period, &zone);
            let bound = grid.floor(key.locate(position(at), &zone).unwrap()).unwrap();
            let text = key.literal(bound, &grid).unwrap();
            let unix = |micros: i64| position(Timestamp::from_microsecond(micros).unwrap());
            let read = match key {
                Key::TimestampTz => position(text.replacen(' ', "T", 1).parse().unwrap()),
                Key::Date => position(format!("{text}T00:00:00Z").parse().unwrap()),
                Key::Timestamp => position(format!("{}Z", text.replacen(' ', "T", 1)).parse().unwrap()),
                Key::Epoch(Unit::Seconds, _) => unix(text.parse::<i64>().unwrap() * 1_000_000),
                Key::Epoch(Unit::Milliseconds, _) => unix(text.parse::<i64>().unwrap() * 1_000),
                _ => unix(i64::from_str_radix(&text.replace('-', "")[..12], 16).unwrap() * 1_000),
            };
            prop_assert_eq!(read, bound, "{}", text);
        }

        /// Whatever the clock does between passes: after each, everything up to the horizon is covered, nothing twice, no
        /// name is given twice, and nothing has gone that was not old enough.
        #[test]
        fn passes_leave_no_gap_and_no_overlap(
            (zone, start) in moment(), period in period(), key in key(), premake in 0..4i32,
            age in proptest::option::of(1..200i64), leaps in proptest::collection::vec(leap(), 1..12),
        ) {
            prop_assume!(key != Key::Date || !matches!(period, Period::Micros(_)));
            // Of a minute or five there would be thousands within days.
            prop_assume!(!matches!(period, Period::Micros(step) if step < 15 * MINUTE));
            let age = age.map(|hours| Age::Time { months: 0, days: 0, micros: hours * HOUR });
            let policy = policy(key, period, zone.clone(), premake, age);
            let mut partitions = vec![];
            let mut now = position(start);
            let mut kept: Option<Range> = None;
            for leap in leaps {
                let here = key.locate(now, &zone).unwrap();
                // A step that stays within what the last pass kept ready finds its partition there.
                if kept.is_some_and(|kept| kept.lower <= here && here < kept.upper) {
                    let holds = |p: &Partition| p.range().is_some_and(|r| r.lower <= here && here < r.upper);
                    prop_assert!(partitions.iter().any(holds));
                }
                let gone = pass(&policy, &mut partitions, Front::at(now));
                if let Some(Age::Time { micros, .. }) = age {
                    prop_assert!(gone.iter().all(|range| range.upper <= here - micros));
                }
                prop_assert_eq!(missing(&policy, &partitions, Front::at(now)).unwrap(), vec![]);
                for pair in partitions.windows(2) {
                    prop_assert!(pair[0].range().unwrap().upper <= pair[1].range().unwrap().lower);
                }
                let names: HashSet<_> = partitions.iter().map(|p| &p.name).collect();
                prop_assert_eq!(names.len(), partitions.len());
                // A second pass at the same time finds nothing to do.
                let before = partitions.len();
                pass(&policy, &mut partitions, Front::at(now));
                prop_assert_eq!(partitions.len(), before);
                kept = Some(crate::plan::horizon(&policy, Front::at(now)).unwrap());
                now += leap;
            }
        }

        /// Ids, up to the ends of their type.
        #[test]
        fn ids_are_covered_up_to_the_end_of_their_type(
            width in select(vec![Width::Two, Width::Four, Width::Eight]), period in 1..20_000i64, premake in 0..4i32,
            distance in 0..100_000i64, steps in proptest::collection::vec(0..50_000i64, 1..8),
        ) {
            let key = Key::Ids(width);
            let span = key.span();
            let policy = policy(key, Period::Ids(period), TimeZone::UTC, premake, Some(Age::Ids(2 * period)));
            let mut partitions = vec![];
            let mut highest = span.upper.saturating_sub(distance).max(0);
            for step in steps {
                let gone = pass(&policy, &mut partitions, Front::at(highest));
                prop_assert!(gone.iter().all(|range| range.upper <= highest - 2 * period));
                prop_assert_eq!(missing(&policy, &partitions, Front::at(highest)).unwrap(), vec![]);
                for pair in partitions.windows(2) {
                    prop_assert!(pair[0].range().unwrap().upper <= pair[1].range().unwrap().lower);
                }
                let last = partitions.last().and_then(Partition::range).unwrap();
                prop_assert!(last.lower <= highest.max(span.lower) || premake > 0);
                prop_assert!(last.upper <= span.upper);
                for range in partitions.iter().filter_map(Partition::range) {
                    prop_assert!(range.lower >= span.lower && range.lower < range.upper);
                }
                highest = highest.saturating_add(step).min(span.upper - 1);
            }
        }

        /// What comes once a day comes once on every date of the zone, changes of the clock or not.
        #[test]
        fn a_daily_schedule_runs_once_on_every_date((zone, at) in moment(), hour in 0..24, minute in 0..60) {
            let schedule = Schedule::cron(&format!("{minute} {hour} * * *"), zone.clone()).unwrap();
            let dates: Vec<_> = times(&schedule, at, at + seconds(5 * 86_400))
                .into_iter()
                .map(|at| zone.to_datetime(at).date())
                .collect();
            for pair in dates.windows(2) {
                prop_assert_eq!(pair[0].tomorrow().unwrap(), pair[1]);
            }
            prop_assert!((4..=6).contains(&dates.len()));
        }

        /// What comes several times an hour comes whenever the wall clock shows it, in an hour that comes twice too.
        #[test]
        fn a_schedule_of_minutes_follows_the_wall_clock((zone, at) in moment(), step in select(vec![1, 5, 15, 20, 30])) {
            let schedule = Schedule::cron(&format!("*/{step} * * * *"), zone.clone()).unwrap();
            let from = Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap();
            let to = from + seconds(6 * 3600);
            let mut expected = vec![];
            let mut minute = from + 1.minute();
            while minute <= to {
                if zone.to_datetime(minute).minute() % step == 0 {
                    expected.push(minute);
                }
                minute += 1.minute();
            }
            prop_assert_eq!(times(&schedule, from, to), expected);
        }

        /// Every time of a schedule that passes between two looks at a clock that only goes forward gives one run, or with
        /// `skip` one if it came within the grace.
        #[test]
        fn no_run_is_lost_or_doubled(
            (zone, start) in moment(),
            text in select(vec!["* * * * *", "*/15 * * * *", "7 * * * *", "30 2 * * *", "0 0 * * MON", "59 23 31 * *", "0 1 29 2 *"]),
            steps in proptest::collection::vec(prop_oneof![8 => 1..30i64, 2 => 30..4000i64, 1 => Just(5 * 3600i64), 1 => 0..20_000i64], 1..60),
        ) {
            let schedule = Schedule::cron(text, zone).unwrap();
            let mut clock = vec![];
            let mut now = start;
            for step in steps {
                now += seconds(step);
                clock.push(now);
            }
            for catch_up in [CatchUp::Once, CatchUp::Skip] {
                let mut expected = vec![];
                let mut before = start;
                for now in &clock {
                    let came = times(&schedule, before, *now);
                    let late = |at: &Timestamp| now.duration_since(*at);
                    if came.last().is_some_and(|last| catch_up == CatchUp::Once || late(last) < GRACE) {
                        expected.push(*now);
                    }
                    before = *now;
                }
                prop_assert_eq!(runs(&schedule, catch_up, start, &clock), expected, "{:?}", catch_up);
            }
        }

        /// A clock that is set back or forward neither silences a schedule nor has it run twice for one time, but where it
        /// goes back beyond what the schedule waits anyway.
        #[test]
        fn a_clock_that_is_set_neither_silences_nor_doubles(
            (zone, start) in moment(), every in select(vec![60i64, 900, 3600, 6 * 3600]),
            sets in proptest::collection::vec((0..8 * 180usize, select(vec![-3600i64, 1800, 5 * 3600])), 1..3),
            cron in any::<bool>(),
        ) {
            let schedule = match (cron, every) {
                (false, every) => Schedule::Every(seconds(every)),
                (true, 60) => Schedule::cron("* * * * *", zone).unwrap(),
                (true, 900) => Schedule::cron("*/15 * * * *", zone).unwrap(),
                (true, 3600) => Schedule::cron("0 * * * *", zone).unwrap(),
                (true, _) => Schedule::cron("0 */6 * * *", zone).unwrap(),
            };
            // A look every twenty seconds for three rounds, on a clock that differs from the real one by what it was set.
            let looks = (3 * every.max(8 * 3600) / 20) as usize;
            let (mut wall, mut real_runs, mut planned) = (start, vec![], Some(schedule.plan(start)));
            let mut wall_runs: Vec<Timestamp> = vec![];
            for look in 0..looks {
                wall += seconds(20);
                for (at, by) in &sets {
                    if *at == look {
                        wall += seconds(*by);
                    }
                }
                match schedule.verdict(planned, CatchUp::Once, wall) {
                    Verdict::Wait => {}
                    Verdict::Replan(plan) => planned = Some(plan),
                    Verdict::Run => {
                        real_runs.push(look as i64 * 20);
                        wall_runs.push(wall);
                        planned = Some(schedule.after_run(planned, wall));
                    }
                }
            }
            // The longest that a schedule waits: an hour of the clock is lost or doubled at its own changes.
            let gap = every + 3600;
            let mut last = 0;
            for run in real_runs.iter().copied().chain([looks as i64 * 20]) {
                prop_assert!(run - last <= 3 * gap + 40, "silent from {} to {}", last, run);
                last = run;
            }
            // In real time, runs are never closer than they should be, but for the one that makes good.
            let close = real_runs.windows(2).filter(|pair| pair[1] - pair[0] < every.min(900) - 40).count();
            prop_assert!(close <= 2 * sets.len() + 1, "{} of {:?}", close, real_runs);
        }
    }

    #[test]
    fn positions_and_instants_are_one_to_one() {
        let at: Timestamp = "2016-02-29T23:59:59.999999Z".parse().unwrap();
        assert_eq!(timestamp(position(at)).unwrap(), at);
    }
}
