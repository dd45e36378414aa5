//! What SQLite 3.53.2 answers. Its local time is five hours behind UTC.

use super::calendar::UNIX_EPOCH;
use super::*;
use proptest::prelude::*;

/// 2026-11-21 14:40:47.260
const NOW: i64 = 1_795_272_047_260;

struct Fixed {
    deterministic: bool,
    pauses: usize,
}

impl Fixed {
    const fn new() -> Self {
        Self { deterministic: false, pauses: 0 }
    }

    fn allow(&self) -> Result<(), Error> {
        if self.deterministic { Err(Error::NonDeterministic("date")) } else { Ok(()) }
    }
}

impl Host for Fixed {
    fn now(&mut self) -> Result<i64, Error> {
        self.allow().map(|()| NOW)
    }

    fn allow_zone(&mut self) -> Result<(), Error> {
        self.allow()
    }

    fn local(&mut self, unix_seconds: i64) -> Result<(Date, Clock), Error> {
        let local = unix_seconds - 5 * 3600;
        let second = local.rem_euclid(86_400) as i32;
        Ok((
            Date::of(local * 1000 + UNIX_EPOCH),
            Clock { hour: second / 3600, minute: second / 60 % 60, second: f64::from(second % 60) },
        ))
    }

    fn pause(&mut self) {
        self.pauses += 1;
    }
}

fn read_with(
    time: TimeValue<'_>,
    modifiers: &[&str],
    host: &mut Fixed,
) -> Result<Option<Moment>, Error> {
    let mut reading = Reading::start(time, host)?;
    for modifier in modifiers {
        let Some(now) = reading else { return Ok(None) };
        reading = now.modify(modifier.as_bytes(), host)?;
    }
    Ok(reading.and_then(Reading::finish))
}

fn read(time: TimeValue<'_>, modifiers: &[&str]) -> Option<Moment> {
    read_with(time, modifiers, &mut Fixed::new()).expect("nothing is forbidden")
}

fn text(time: &str) -> TimeValue<'_> {
    TimeValue::Text(time.as_bytes())
}

fn check(cases: &[(&[&str], Option<&str>)]) {
    for (arguments, expected) in cases {
        let moment = read(text(arguments[0]), &arguments[1..]);
        let answer = moment.map(|moment| moment.datetime_text());
        assert_eq!(answer.as_deref(), *expected, "{arguments:?}");
        let Some(moment) = moment else { continue };
        let (date, time) = (moment.date_text(), moment.time_text());
        assert_eq!(expected.map(str::to_owned), Some(format!("{date} {time}")));
    }
}

#[test]
fn time_values() {
    check(&[
        (&["2024-02-30"], Some("2024-03-01 00:00:00")),
        (&["2023-02-31"], Some("2023-03-03 00:00:00")),
        (&["2024-01-01 24:00"], Some("2024-01-01 24:00:00")),
        (&["24:59:59"], Some("2000-01-02 24:59:59")),
        (&["2024-13-01"], None),
        (&["2024-00-01"], None),
        (&["2024-1-01"], None),
        (&["2024-01-01T12:34"], Some("2024-01-01 12:34:00")),
        (&["2024-01-01TT 12:34:56.7894"], Some("2024-01-01 12:34:56")),
        (&["2024-01-01 12:34:56."], None),
        (&["2024-01-01 12:34:60"], None),
        (&["2024-01-01 12:34 +05:30"], Some("2024-01-01 07:04:00")),
        (&["2024-01-01 00:10-14:59"], Some("2024-01-01 15:09:00")),
        (&["2024-01-01 00:10+15:00"], None),
        (&["2024-01-01 00:10z "], Some("2024-01-01 00:10:00")),
        (&["2024-01-01 00:10zz"], None),
        (&["12:00"], Some("2000-01-01 12:00:00")),
        (&["12:00+01:00"], Some("2000-01-01 11:00:00")),
        (&["2024-01-01 00:00:59.99999"], Some("2024-01-01 00:00:59")),
        (&["-4713-11-24 12:00"], Some("-4713-11-24 12:00:00")),
        (&["-4713-11-24 11:59:59"], None),
        (&["-0044-03-15"], Some("-0044-03-15 00:00:00")),
        (&["0000-01-01"], Some("0000-01-01 00:00:00")),
        (&["9999-12-31 23:59:59.999"], Some("9999-12-31 23:59:59")),
        (&["10000-01-01"], None),
        (&["2460000"], Some("2023-02-24 12:00:00")),
        (&[" 2460000.25 "], Some("2023-02-24 18:00:00")),
        (&["5373484.49999999"], Some("9999-12-31 23:59:59")),
        (&["5373484.5"], None),
        (&["-0.1"], None),
        (&["1e6"], Some("-1975-10-21 12:00:00")),
        (&["1e"], None),
        (&["0x10"], None),
        (&["2024"], Some("-4707-06-09 12:00:00")),
        (&[""], None),
        (&[" 2024-01-01"], None),
        (&["tomorrow"], None),
        (&["now "], None),
        (&["2024-01-01\u{b}12:00"], Some("2024-01-01 12:00:00")),
        (&["2024-01-01 é"], None),
        (&["NOW"], Some("2026-11-21 14:40:47")),
        (&["subsec"], Some("2026-11-21 14:40:47.260")),
        (&["SubSecond"], Some("2026-11-21 14:40:47.260")),
    ]);
    let now = Reading::now(&mut Fixed::new()).ok().and_then(Reading::finish);
    assert_eq!(now.map(|now| now.datetime_text()).as_deref(), Some("2026-11-21 14:40:47"));
}

#[test]
fn modifiers() {
    check(&[
        (&["2024-01-31", "+1 month"], Some("2024-03-02 00:00:00")),
        (&["2024-01-31", "+1 month", "floor"], Some("2024-02-29 00:00:00")),
        (&["2024-01-31", "+1 month", "ceiling"], Some("2024-03-02 00:00:00")),
        (&["2024-01-31", "ceiling", "floor"], Some("2024-01-31 00:00:00")),
        (&["2024-02-29", "+1 year", "floor"], Some("2025-02-28 00:00:00")),
        (&["2023-03-31", "-1 month", "floor"], Some("2023-02-28 00:00:00")),
        (&["2024-01-15", "-13 months"], Some("2022-12-15 00:00:00")),
        (&["2024-01-15", "+1.5 months"], Some("2024-03-01 00:00:00")),
        (&["2024-01-15", "-0.5 years"], Some("2023-07-16 12:00:00")),
        (&["2024-01-15", "1.5days"], None),
        (&["2024-01-15", "+1 DAYS"], Some("2024-01-16 00:00:00")),
        (&["2024-01-15", "+1 weeks"], None),
        (&["2024-01-15", "+1"], None),
        (&["2024-01-15", "1e2 seconds"], Some("2024-01-15 00:01:40")),
        (&["2024-01-15", "+1 day s"], None),
        (&["2024-01-15", "+0.0005 seconds"], Some("2024-01-15 00:00:00")),
        (&["2024-01-15", "-0.0006 seconds", "subsec"], Some("2024-01-14 23:59:59.999")),
        (&["2024-01-15", "5373485 days"], None),
        (&["2024-01-15", "-5373484 days", "+5373484 days"], Some("2024-01-15 00:00:00")),
        (&["2024-01-15", "+14713 years"], None),
        (&["2024-01-15", "+12:30"], Some("2024-01-15 12:30:00")),
        (&["2024-01-15", "-12:30:15.25", "subsec"], Some("2024-01-14 11:29:44.750")),
        (&["2024-01-15", "12:30"], Some("2024-01-15 12:30:00")),
        (&["2024-01-15", "+12:30+01:00"], Some("2024-01-15 11:30:00")),
        (&["2024-01-15", "+24:60"], None),
        (&["2024-01-31", "+0000-01-00"], Some("2024-03-02 00:00:00")),
        (&["2024-01-31", "-0001-02-03 04:05:06.789", "subsec"], Some("2022-11-27 19:54:53.211")),
        (&["2024-01-31", "+00001-00-00"], Some("2025-01-31 00:00:00")),
        (&["2024-01-31", "0001-00-00"], None),
        (&["2024-01-31", "+0001-12-00"], None),
        (&["2024-01-31", "+0001-00-31"], None),
        (&["2024-01-31", "+0001-00-00 "], None),
        (&["2024-01-31", "+0001-00-00 1:00"], None),
        (&["2024-05-17", "start of month"], Some("2024-05-01 00:00:00")),
        (&["2024-05-17 12:34", "Start Of Day"], Some("2024-05-17 00:00:00")),
        (&["2024-05-17", "start of year"], Some("2024-01-01 00:00:00")),
        (&["2024-05-17", "start of week"], None),
        (&["2024-05-17", "weekday 0"], Some("2024-05-19 00:00:00")),
        (&["2024-05-17", "weekday 5"], Some("2024-05-17 00:00:00")),
        (&["2024-05-17", "weekday 7"], None),
        (&["2024-05-17", "weekday 1.0"], Some("2024-05-20 00:00:00")),
        (&["2024-05-17", "weekday 1.5"], None),
        (&["2024-05-17", "weekday"], None),
        (&["2023-02-31", "subsec"], Some("2023-02-31 00:00:00.000")),
        (&["2023-02-31", "auto"], Some("2023-02-31 00:00:00")),
        (&["2024-01-01 12:34:56.7894", "subsecond"], Some("2024-01-01 12:34:56.789")),
        (&["2024-01-01 10:00 +05:30", "+1 hour"], Some("2024-01-01 05:30:00")),
        (&["2024-01-01", "auto", "auto"], None),
        (&["1700000000", "unixepoch"], Some("2023-11-14 22:13:20")),
        (&["1700000000", "auto"], Some("2023-11-14 22:13:20")),
        (&["-1", "auto"], Some("1969-12-31 23:59:59")),
        (&["2460000", "auto"], Some("2023-02-24 12:00:00")),
        (&["5373484.5", "auto"], Some("1970-03-04 04:38:04")),
        (&["253402300799", "auto"], Some("9999-12-31 23:59:59")),
        (&["253402300800", "auto"], None),
        (&["-210866760001", "auto"], None),
        (&["2460000", "julianday"], Some("2023-02-24 12:00:00")),
        (&["2460000", "unixepoch"], Some("1970-01-29 11:20:00")),
        (&["2460000", "+1 day", "unixepoch"], None),
        (&["1e12", "julianday"], None),
        (&["2024-01-01", "unixepoch"], None),
        (&["2024-01-01", "julianday"], None),
        (&["9999-12-31", "+1 day"], None),
        (&["9999-12-31", "+1 day", "-1 day"], Some("9999-12-31 00:00:00")),
        (&["9999-12-31", "+1 year", "localtime"], Some("1999-12-31 19:00:00")),
        (&["1700000000"], None),
        (&["2024-01-01", ""], None),
        (&["2024-01-01", "now"], None),
    ]);
}

#[test]
fn time_zones() {
    check(&[
        (&["2024-07-01 12:00", "localtime"], Some("2024-07-01 07:00:00")),
        (&["2024-07-01 12:00", "localtime", "localtime"], Some("2024-07-01 07:00:00")),
        (&["2024-07-01 12:00", "utc"], Some("2024-07-01 17:00:00")),
        (&["2024-07-01 12:00Z", "utc"], Some("2024-07-01 12:00:00")),
        (&["2024-07-01 12:00", "utc", "utc"], Some("2024-07-01 17:00:00")),
        (&["2024-07-01 12:00", "utc", "localtime"], Some("2024-07-01 12:00:00")),
        (&["2024-03-10 02:30", "utc"], Some("2024-03-10 07:30:00")),
        (&["1900-07-01 12:00", "localtime"], Some("1900-07-01 07:00:00")),
        (&["9999-12-31 23:00", "localtime"], Some("9999-12-31 18:00:00")),
        (&["9999-12-31 23:00", "utc"], None),
        (&["2024-07-01 12:00:01.25", "localtime", "subsec"], Some("2024-07-01 07:00:01.250")),
        (&["5373484.4", "+10 days", "localtime"], Some("-0001-12-31 19:00:00")),
    ]);
}

#[test]
fn formats() {
    for (format, time, expected) in [
        (
            "%d|%e|%H|%k|%I|%l|%m|%M|%S",
            "2024-02-05 00:04:05.678",
            Some("05| 5|00| 0|12|12|02|04|05"),
        ),
        ("%f", "2024-02-05 00:04:05.678", Some("05.678")),
        ("%F|%R|%T|%Y", "2024-02-05 00:04:05.678", Some("2024-02-05|00:04|00:04:05|2024")),
        ("%G-%V-%u|%g|%j|%U|%W|%w", "2024-02-05 00:04:05.678", Some("2024-06-1|24|036|05|06|1")),
        ("%J", "2024-02-05 00:04:05.678", Some("2460345.502843495")),
        ("%p %P %%", "2024-02-05 00:04:05.678", Some("AM am %")),
        ("%s", "2024-02-05 00:04:05.678", Some("1707091445")),
        ("é%Yé", "2024-02-05 00:04:05.678", Some("é2024é")),
        ("%", "2024-02-05 00:04:05.678", None),
        ("%Y%", "2024-02-05 00:04:05.678", None),
        ("%x", "2024-02-05 00:04:05.678", None),
        ("%E", "2024-02-05 00:04:05.678", None),
        ("", "2024-02-05 00:04:05.678", Some("")),
        ("plain", "2024-02-05 00:04:05.678", Some("plain")),
        (
            "%d|%e|%H|%k|%I|%l|%m|%M|%S",
            "2021-01-03 13:00:59.9999",
            Some("03| 3|13|13|01| 1|01|00|59"),
        ),
        ("%f", "2021-01-03 13:00:59.9999", Some("59.999")),
        ("%F|%R|%T|%Y", "2021-01-03 13:00:59.9999", Some("2021-01-03|13:00|13:00:59|2021")),
        ("%G-%V-%u|%g|%j|%U|%W|%w", "2021-01-03 13:00:59.9999", Some("2020-53-7|20|003|01|00|0")),
        ("%J", "2021-01-03 13:00:59.9999", Some("2459218.0423611")),
        ("%s", "2021-01-03 13:00:59.9999", Some("1609678859")),
        ("%d|%e|%H|%k|%I|%l|%m|%M|%S", "-0044-03-15 12:00", Some("15|15|12|12|12|12|03|00|00")),
        ("%f", "-0044-03-15 12:00", Some("00.000")),
        ("%F|%R|%T|%Y", "-0044-03-15 12:00", Some("-044-03-15|12:00|12:00:00|-044")),
        ("%G-%V-%u|%g|%j|%U|%W|%w", "-0044-03-15 12:00", Some("-044-11-4|-44|075|11|11|4")),
        ("%J", "-0044-03-15 12:00", Some("1705063")),
        ("%s", "-0044-03-15 12:00", Some("-63549316800")),
        ("%d|%e|%H|%k|%I|%l|%m|%M|%S", "0000-12-31 24:00", Some("01| 1|24|24|12|12|01|00|00")),
        ("%f", "0000-12-31 24:00", Some("00.000")),
        ("%F|%R|%T|%Y", "0000-12-31 24:00", Some("0001-01-01|24:00|24:00:00|0001")),
        ("%G-%V-%u|%g|%j|%U|%W|%w", "0000-12-31 24:00", Some("0001-01-1|01|001|00|01|1")),
        ("%J", "0000-12-31 24:00", Some("1721425.5")),
        ("%s", "0000-12-31 24:00", Some("-62135596800")),
    ] {
        let moment = read(text(time), &[]).expect(time);
        let answer = moment.format(format, &mut Fixed::new());
        assert_eq!(answer, Ok(expected.map(str::to_owned)), "{format} {time}");
    }
}

#[test]
fn differences() {
    for (to, from, expected) in [
        ("2024-03-01", "2024-02-29", Some("+0000-00-01 00:00:00.000")),
        ("2024-02-29", "2024-03-01", Some("-0000-00-01 00:00:00.000")),
        ("2023-03-31", "2023-02-28 12:00", Some("+0000-01-02 12:00:00.000")),
        ("2024-01-01", "2023-12-31 23:59:59.5", Some("+0000-00-00 00:00:00.500")),
        ("2000-01-01", "9999-12-31", Some("-7999-11-30 00:00:00.000")),
        ("-4713-11-24 12:00", "9999-12-31 23:59:59.999", Some("-14712-01-07 11:59:59.999")),
        ("2024-01-31", "2024-01-31", Some("+0000-00-00 00:00:00.000")),
        ("20:33:18.287977", "24:00:40", Some("-0000-00-00 03:27:21.712")),
        ("24:33-05:00", "24:00", Some("+0000-00-00 05:33:00.000")),
        ("2024-05-31", "2023-02-31", Some("+0001-02-28 00:00:00.000")),
        ("x", "2024-01-01", None),
    ] {
        let answer =
            read(text(to), &[]).zip(read(text(from), &[])).map(|(to, from)| timediff(&to, &from));
        assert_eq!(answer.as_deref(), expected, "{to} {from}");
    }
}

#[test]
fn numbers() {
    for (time, modifiers, julian_day, seconds, real) in [
        (text("1969-12-31 23:59:59.25"), &[][..], 2_440_587.499_991_319_6, -1, -1.0),
        (text("1969-12-31 23:59:59.25"), &["subsec"], 2_440_587.499_991_319_6, 0, -0.75),
        (TimeValue::Number(2_460_000.5), &[], 2_460_000.5, 1_677_283_200, 1_677_283_200.0),
        (TimeValue::Number(1.25), &["unixepoch", "subsec"], 2_440_587.500_014_467_5, 1, 1.25),
    ] {
        let moment = read(time, modifiers).expect("a time");
        assert_eq!(moment.julian_day(), julian_day);
        assert_eq!((moment.unix_seconds(), moment.unix_seconds_real()), (seconds, real));
    }
    for number in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.001, 5_373_484.5] {
        assert_eq!(read(TimeValue::Number(number), &[]), None);
        read(TimeValue::Number(number), &["auto"]);
        assert_eq!(read(TimeValue::Number(number * 1e15), &["unixepoch"]), None);
    }
}

/// A text ends at its first null character, as in C.
#[test]
fn null_characters() {
    assert_eq!(read(TimeValue::Text(b"2024-01-01\0x"), &[]), read(text("2024-01-01"), &[]));
    assert_eq!(read(text("2024-01-01"), &["+1 day\0 x"]), read(text("2024-01-01"), &["+1 day"]));
}

/// So many digits that both they and their scale are infinite.
#[test]
fn endless_fractions() {
    let time = format!("2024-01-01 12:00:00.{}", "1".repeat(400));
    assert_eq!(read(text(&time), &[]), None);
    assert_eq!(
        read(text(&time), &["start of day"]).map(|moment| moment.datetime_text()).as_deref(),
        Some("2024-01-01 00:00:00")
    );
}

/// What the time or the time zone decides is refused, whether or not it would matter.
#[test]
fn deterministic() {
    for (time, modifiers) in [
        ("now", &[][..]),
        ("subsec", &[]),
        ("2024-01-01", &["localtime"]),
        ("2024-01-01 00:00Z", &["utc"]),
        ("2024-01-01", &["Localtime", "x"]),
    ] {
        let mut host = Fixed { deterministic: true, pauses: 0 };
        assert_eq!(
            read_with(text(time), modifiers, &mut host),
            Err(Error::NonDeterministic("date")),
            "{time} {modifiers:?}"
        );
        assert!(is_current_time(time.as_bytes()) || is_zone_modifier(modifiers[0].as_bytes()));
    }
    let mut host = Fixed { deterministic: true, pauses: 0 };
    assert!(read_with(text("2024-01-01"), &["subsec", "+1 day"], &mut host).is_ok());
}

#[test]
fn instants() {
    for (milliseconds, is_utc, shown) in [
        (0, true, "1970-01-01 00:00:00.000Z"),
        (-1, false, "1969-12-31 23:59:59.999"),
        (1_709_208_000_123, true, "2024-02-29 12:00:00.123Z"),
        (-62_167_219_200_001, true, "-0001-12-31 23:59:59.999Z"),
        (253_402_300_800_000, false, "10000-01-01 00:00:00.000"),
        (i64::MAX / 1000, true, "294247-01-10 04:00:54.775Z"),
    ] {
        let instant = Instant { milliseconds, is_utc };
        assert_eq!(instant.datetime_text(), shown);
        assert_eq!(instant.date_text(), shown.split(' ').next().unwrap_or_default());
        for modifiers in [&[][..], &["utc"], &["localtime", "subsec"], &["auto"], &["unixepoch"]] {
            assert_eq!(
                read(TimeValue::Instant(instant), modifiers).map(|moment| moment.datetime_text()),
                read(text(shown), modifiers).map(|moment| moment.datetime_text()),
                "{shown} {modifiers:?}"
            );
        }
    }
}

#[test]
fn long_formats_can_be_cancelled() {
    let mut host = Fixed::new();
    let format = "%d".repeat(10_000);
    let moment = read(text("2024-01-07"), &[]).expect("a time");
    assert_eq!(moment.format(&format, &mut host), Ok(Some("07".repeat(10_000))));
    assert_eq!(host.pauses, 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes, there is an answer; and modifiers beyond all limits leave no arithmetic to overflow.
    #[test]
    fn anything_has_an_answer(
        time in prop_oneof!["[-+0-9:. TZ]{0,24}", "\\PC{0,12}"],
        number in any::<f64>(),
        modifiers in prop::collection::vec(
            prop_oneof![
                "[-+]?[0-9.e]{1,16} (second|minute|hour|day|month|year)s?",
                "[-+][0-9]{4,5}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9])?",
                "(auto|unixepoch|julianday|localtime|utc|floor|ceiling|weekday [0-7]|start of (day|month|year))",
                "\\PC{0,12}",
            ],
            0..12,
        ),
    ) {
        let modifiers: Vec<_> = modifiers.iter().map(String::as_str).collect();
        for value in [text(&time), TimeValue::Number(number), text("9999-12-31"), text("-4713-11-24 12:00")] {
            if let Some(moment) = read(value, &modifiers) {
                prop_assert!((0.0..5_373_484.5).contains(&moment.julian_day()));
                let all = "%d%e%f%F%G%g%H%I%j%J%k%l%m%M%p%P%R%s%S%T%u%U%V%w%W%Y%%";
                prop_assert!(moment.format(all, &mut Fixed::new()).is_ok_and(|text| text.is_some()));
                let midnight = read(text("2000-01-01"), &[]).expect("a time");
                prop_assert!(!timediff(&moment, &midnight).is_empty());
                prop_assert!(!timediff(&midnight, &moment).is_empty());
            }
        }
    }
}
