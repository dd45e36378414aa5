//! When a refresh is due. Free of the server: the clock is an argument.

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, errors::CronError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// A parsed schedule.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// So long after the last run was due.
    Every(SignedDuration),
    /// Five cron fields or a name such as `@hourly`, on the wall clock of a zone.
    Cron(Box<Cron>, TimeZone),
}

/// What happens to a run whose time passed while nothing ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// It is made good, once for however many were missed.
    Once,
    /// It is left out.
    Skip,
}

/// How late a run may start without counting as missed.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The stored plan of a policy: the next run, and the moment that was reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub from: Timestamp,
    pub next: Timestamp,
}

/// What to do with a policy now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Run,
    Wait,
    /// Store this plan instead: there was none, the run was missed, or the clock went back.
    Replan(Planned),
}

impl Schedule {
    /// Five cron fields or a name, evaluated in `zone`.
    pub fn cron(text: &str, zone: TimeZone) -> Result<Self, CronError> {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let schedule = Self::Cron(Box::new(parser.parse(text)?), zone);
        // A date that never comes, such as 30 February, is found out now rather than at every pass.
        match &schedule {
            Self::Cron(cron, zone) => {
                cron.find_next_occurrence(&Timestamp::UNIX_EPOCH.to_zoned(zone.clone()), false)?
            }
            Self::Every(_) => Zoned::default(),
        };
        Ok(schedule)
    }

    /// The first run after `from`.
    pub fn plan(&self, from: Timestamp) -> Planned {
        let next = match self {
            Self::Every(interval) => from.saturating_add(*interval).unwrap_or(Timestamp::MAX),
            Self::Cron(cron, zone) => cron
                .find_next_occurrence(&from.to_zoned(zone.clone()), false)
                .map_or(Timestamp::MAX, |next| next.timestamp()),
        };
        Planned { from, next }
    }

    /// Whether a run is due at `now`.
    ///
    /// A clock that went back by more than the distance between two runs would silence the policy until it has caught
    /// up, so the run is planned anew from the new time. One that went back by less keeps its plan: nothing runs twice.
    pub fn verdict(&self, planned: Option<Planned>, catch_up: CatchUp, now: Timestamp) -> Verdict {
        let Some(Planned { from, next }) = planned else {
            return Verdict::Replan(self.plan(now));
        };
        if now >= next {
            let late = now.duration_since(next);
            return match catch_up {
                // Others may have come after the one that was missed, the last of them just now.
                CatchUp::Skip if late > GRACE && !self.came_within(GRACE, now) => {
                    Verdict::Replan(self.plan(now))
                }
                _ => Verdict::Run,
            };
        }
        let gap = next.duration_since(from);
        if next.duration_since(now) > gap.saturating_mul(2) {
            return Verdict::Replan(self.plan(now));
        }
        Verdict::Wait
    }

    /// Whether the wall clock passed a time of the schedule so shortly ago. An interval has no such times.
    fn came_within(&self, age: SignedDuration, now: Timestamp) -> bool {
        let from = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
        matches!(self, Self::Cron(..)) && self.plan(from).next <= now
    }

    /// The plan after a run that was due by `planned` and has ended at `now`.
    ///
    /// An interval counts from the time the run was due, as long as that leaves the next one ahead, so that the time the
    /// runs take does not add up.
    pub fn after_run(&self, planned: Option<Planned>, now: Timestamp) -> Planned {
        match (self, planned) {
            (Self::Every(_), Some(planned)) => {
                let steady = self.plan(planned.next);
                if steady.next > now && planned.next <= now { steady } else { self.plan(now) }
            }
            _ => self.plan(now),
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use jiff::ToSpan;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn every(seconds: i64) -> Schedule {
        Schedule::Every(SignedDuration::from_secs(seconds))
    }

    fn cron(text: &str, zone: &str) -> Schedule {
        Schedule::cron(text, TimeZone::get(zone).unwrap()).unwrap()
    }

    /// Looks at the schedule at every time of `clock`, as the worker does, and says when it ran.
    fn runs(
        schedule: &Schedule,
        catch_up: CatchUp,
        clock: impl IntoIterator<Item = Timestamp>,
    ) -> Vec<Timestamp> {
        let (mut planned, mut runs) = (None, vec![]);
        for now in clock {
            match schedule.verdict(planned, catch_up, now) {
                Verdict::Wait => {}
                Verdict::Replan(plan) => planned = Some(plan),
                Verdict::Run => {
                    runs.push(now);
                    planned = Some(schedule.after_run(planned, now));
                }
            }
        }
        runs
    }

    /// The times from one to another, ten seconds apart.
    fn ticks(from: &str, to: &str) -> Vec<Timestamp> {
        let (mut now, to) = (at(from), at(to));
        let mut ticks = vec![];
        while now < to {
            ticks.push(now);
            now += 10.seconds();
        }
        ticks
    }

    #[test]
    fn every_minute_runs_once_a_minute() {
        for schedule in [every(60), cron("* * * * *", "UTC")] {
            let ran = runs(
                &schedule,
                CatchUp::Once,
                ticks("2015-05-01T00:00:00Z", "2015-05-01T01:00:00Z"),
            );
            assert_eq!(ran.len(), 59);
        }
    }

    #[test]
    fn a_clock_that_goes_back_an_hour_neither_silences_nor_doubles() {
        let clock = || {
            let mut clock = ticks("2015-05-01T02:00:00Z", "2015-05-01T03:10:00Z");
            clock.extend(ticks("2015-05-01T02:10:00Z", "2015-05-01T04:00:00Z"));
            clock
        };
        // One a minute: 69 before the step, then again one a minute but for the minute of the step.
        let minutely = runs(&cron("* * * * *", "UTC"), CatchUp::Once, clock());
        assert!((178..=179).contains(&minutely.len()), "{}", minutely.len());
        // Once a day at 03:00: ran before the step, and not again.
        assert_eq!(
            runs(&cron("0 3 * * *", "UTC"), CatchUp::Once, clock()),
            [at("2015-05-01T03:00:00Z")]
        );
    }

    #[test]
    fn a_clock_that_goes_forward_runs_once_for_what_it_passed() {
        for (to, minutes) in [("2015-05-01T02:40:00Z", 30), ("2015-05-01T07:10:00Z", 300)] {
            let mut clock = ticks("2015-05-01T02:00:00Z", "2015-05-01T02:10:00Z");
            clock.extend(ticks(to, "2015-05-01T08:00:00Z"));
            let daily = cron("30 2 * * *", "UTC");
            assert_eq!(runs(&daily, CatchUp::Once, clock.clone()), [at(to)], "{minutes}");
            assert_eq!(runs(&daily, CatchUp::Skip, clock), [], "{minutes}");
        }
    }

    #[test]
    fn a_server_that_was_down_makes_good_once_or_skips() {
        let mut clock = ticks("2015-05-01T00:00:00Z", "2015-05-01T00:10:00Z");
        clock.extend(ticks("2015-05-03T12:00:00Z", "2015-05-03T13:00:00Z"));
        let daily = cron("0 3 * * *", "UTC");
        assert_eq!(runs(&daily, CatchUp::Once, clock.clone()), [at("2015-05-03T12:00:00Z")]);
        assert_eq!(runs(&daily, CatchUp::Skip, clock), []);
    }

    #[test]
    fn cron_follows_the_wall_clock_of_its_zone() {
        let daily = cron("30 9 * * MON-FRI", "America/New_York");
        // Friday before the change of the clock, then the Monday after it.
        let friday = daily.plan(at("2015-03-06T00:00:00Z")).next;
        assert_eq!(friday, at("2015-03-06T14:30:00Z"));
        assert_eq!(daily.plan(friday).next, at("2015-03-09T13:30:00Z"));
    }

    #[test]
    fn names_ranges_and_steps_are_known_and_nonsense_is_not() {
        for text in ["@hourly", "@daily", "*/15 * * * *", "0 0 1 JAN *", "5,10-20/5 * * * 1"] {
            cron(text, "UTC");
        }
        for text in ["", "* * * *", "* * * * * *", "60 * * * *", "x", "0 0 30 2 *", "@often"] {
            assert!(Schedule::cron(text, TimeZone::UTC).is_err(), "{text}");
        }
    }

    #[test]
    fn an_interval_does_not_drift_with_the_length_of_its_runs() {
        let schedule = every(60);
        let planned = schedule.plan(at("2015-05-01T00:00:00Z"));
        let after = schedule.after_run(Some(planned), at("2015-05-01T00:01:20Z"));
        assert_eq!(after.next, at("2015-05-01T00:02:00Z"));
        let late = schedule.after_run(Some(planned), at("2015-05-01T00:05:20Z"));
        assert_eq!(late.next, at("2015-05-01T00:06:20Z"));
    }
}
