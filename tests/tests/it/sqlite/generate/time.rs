//! Time values, modifiers and formats of strftime.
//!
//! Never `now` nor `localtime`: what depends on the clock or the zone is among the fixed cases.

use super::super::call::Arg;
use tests::Rng;

/// A time value as text or number.
pub fn value(rng: &mut Rng) -> Arg {
    match rng.below(20) {
        0..=13 => Arg::Text(text(rng)),
        14 => Arg::Real(julian(rng)),
        15 => Arg::Integer(seconds(rng)),
        16 => Arg::Real(
            seconds(rng) as f64 + rng.choose(&[0.0, 0.5, 0.001, 0.0005, 0.9996, 0.999, 0.123456]),
        ),
        17 => Arg::Integer(rng.between(0, 5_373_486)),
        18 => Arg::Integer(rng.choose(&NUMBERS)),
        _ if rng.one_in(3) => Arg::Null,
        _ => Arg::Text(rng.pick(WRONG).to_owned()),
    }
}

/// A value that is a number to be read with `unixepoch`, `auto` or `julianday`.
pub fn number(rng: &mut Rng) -> Arg {
    match rng.below(6) {
        0 => Arg::Real(julian(rng)),
        1 => Arg::Integer(seconds(rng)),
        2 => Arg::Real(seconds(rng) as f64 + rng.choose(&[0.5, 0.001, 0.9996, 0.123456])),
        3 => Arg::Integer(rng.choose(&NUMBERS)),
        4 => Arg::Text(seconds(rng).to_string()),
        _ => Arg::Integer(rng.between(0, 5_373_486)),
    }
}

const NUMBERS: [i64; 18] = [
    0,
    1,
    -1,
    59,
    5_373_484,
    5_373_485,
    2_440_587,
    2_440_588,
    -210_866_760_000,
    -210_866_760_001,
    253_402_300_799,
    253_402_300_800,
    i64::MAX,
    i64::MIN,
    1_721_425,
    1_721_426,
    951_782_400,
    2_299_161,
];

const WRONG: &[&str] = &[
    "",
    " ",
    "x",
    "2024",
    "2024-01",
    "2024-13-01",
    "2024-00-10",
    "2024-01-00",
    "2024-01-32",
    "24-01-01",
    "2024-1-1",
    "2024/01/01",
    "2024-01-01x",
    "2024-01-01 25:00",
    "2024-01-01 24:01",
    "2024-01-01 12:60",
    "2024-01-01 12:30:60",
    "2024-01-01 1:30",
    "2024-01-01 12",
    "2024-01-01T",
    "2024-01-01 ",
    " 2024-01-01",
    "2024-01-01 12:30:",
    "2024-01-01 12:30:30.",
    "2024-01-01 12:30+25:00",
    "2024-01-01 12:30+14:60",
    "2024-01-01 12:30 +05",
    "2024-01-01 12:30 05:00",
    "2024-01-01+05:00",
    "2024-01-01Z",
    "12:30x",
    "1:30",
    "12",
    "12:5",
    "00:00:60",
    "10000-01-01",
    "+2024-01-01",
    "--2024-01-01",
    "1e3",
    "1e400",
    "-1e400",
    "nan",
    "inf",
    "0x10",
    "5373484.5",
    "5373484.4999999",
    "5373485",
    "-1",
    "-0",
    "1.5e3",
    ".5",
    "5.",
    "1 2",
    "2024-01-01 12:30 Zz",
    "2024-01-01 12:30Z ",
    "2024-01-01 12:30:30z",
    "2024-01-01  12:30",
    "2024-01-01TT12:30",
    "2024-01-01t12:30",
    "2024-01-01\t12:30",
    "2024-01-01 12:30:30,5",
    "２024-01-01",
    "nowx",
    "today",
    "2024-W01-1",
    "2024-001",
    "2024-01-01 12:30:30.123456789012345678901234567890",
    "2024-01-01 12:30:59.9999",
    "23:59:59.9995",
    "9999-12-31 23:59:59.999",
    "9999-12-31 23:59:59.9996",
    "9999-12-31 24:00",
    "-4713-11-24 12:00:00",
    "-4713-11-24 11:59:59",
    "-4714-01-01",
    "0000-01-01",
    "-0001-12-31",
    "9999-12-31 23:59 -00:01",
    "0000-00-00",
    "2024-02-30",
    "2023-02-31",
    "2023-04-31",
    "2024-06-31 24:00:00",
    "24:00",
    "24:00:00",
    "24:00:00.5",
];

/// A time value as text, most of them sound.
pub fn text(rng: &mut Rng) -> String {
    if rng.one_in(12) {
        return rng.pick(WRONG).to_owned();
    }
    if rng.one_in(12) {
        return match rng.below(3) {
            0 => julian(rng).to_string(),
            1 => seconds(rng).to_string(),
            _ => format!("{}.5", seconds(rng)),
        };
    }
    let mut text = String::new();
    let dated = !rng.one_in(6);
    if dated {
        text.push_str(&date(rng));
        if rng.one_in(3) {
            return text;
        }
        text.push_str(rng.pick(&[" ", " ", "T", "T", "  "]));
    }
    text.push_str(&time(rng));
    text.push_str(rng.pick(&[
        "", "", "", "", "Z", "z", " Z", "+00:00", "-05:00", " +05:30", "+14:00", "-14:59",
        "  +01:00", "+01:00 ", "-00:00", " +14:60",
    ]));
    text
}

fn date(rng: &mut Rng) -> String {
    let year = rng.choose(&[
        2024, 2023, 2000, 1900, 2100, 1970, 1969, 1999, 1600, 1582, 0, 1, 4, 100, 400, 9999, 9998,
        2026, -1, -4, -100, -4712, -4713, 2020, 2021, 1972,
    ]);
    let year = if rng.one_in(3) { rng.between(1900, 2100) } else { year };
    let month = rng.between(1, 12);
    let day = if rng.one_in(2) { rng.choose(&[1, 28, 29, 30, 31]) } else { rng.between(1, 31) };
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

fn time(rng: &mut Rng) -> String {
    let hour = if rng.one_in(4) { rng.choose(&[0, 12, 23, 24]) } else { rng.between(0, 23) };
    let minute = if rng.one_in(3) { rng.choose(&[0, 59]) } else { rng.between(0, 59) };
    let second = if rng.one_in(3) { rng.choose(&[0, 59]) } else { rng.between(0, 59) };
    match rng.below(4) {
        0 => format!("{hour:02}:{minute:02}"),
        1 => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{hour:02}:{minute:02}:{second:02}.{}", fraction(rng)),
    }
}

fn fraction(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => rng
            .pick(&[
                "0",
                "5",
                "999",
                "9994",
                "9995",
                "9996",
                "9999",
                "001",
                "0005",
                "0004",
                "000",
                "123456789",
                "4995",
            ])
            .to_owned(),
        1 => rng.below(10).to_string(),
        2 => format!("{:06}", rng.below(1_000_000)),
        _ => format!("{:03}", rng.below(1000)),
    }
}

fn julian(rng: &mut Rng) -> f64 {
    match rng.below(5) {
        0 => rng.choose(&[
            0.0,
            0.5,
            -0.5,
            1.0,
            2_440_587.5,
            5_373_484.499_999_9,
            5_373_484.5,
            5_373_484.499_999_994,
            2_451_544.5,
            1.5,
            -1.0,
            0.25,
            1e-9,
            2_415_020.5,
            1_721_059.5,
            1_721_425.5,
            1e10,
            1e300,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -0.0,
        ]),
        1 => rng.between(0, 5_373_484) as f64 + 0.5,
        2 => rng.between(2_300_000, 2_500_000) as f64 + rng.below(86_400_000) as f64 / 86_400_000.0,
        _ => rng.between(0, 5_373_484) as f64 + rng.below(1_000_000) as f64 / 1_000_000.0,
    }
}

fn seconds(rng: &mut Rng) -> i64 {
    match rng.below(4) {
        0 => rng.choose(&NUMBERS),
        1 => rng.between(-210_866_760_000, 253_402_300_799),
        _ => rng.between(-100_000_000, 2_000_000_000),
    }
}

/// Modifiers for a value; the first may say how to read a number.
pub fn modifiers(rng: &mut Rng) -> Vec<Arg> {
    let count = rng.choose(&[0, 0, 1, 1, 1, 1, 2, 2, 3]);
    (0..count).map(|_| if rng.one_in(60) { Arg::Null } else { Arg::Text(modifier(rng)) }).collect()
}

pub fn modifier(rng: &mut Rng) -> String {
    let text = match rng.below(12) {
        0..=3 => {
            let space = rng.pick(&[" ", " ", " ", " ", "  ", "", "\t"]);
            let unit = rng.pick(&[
                "day",
                "days",
                "hour",
                "hours",
                "minute",
                "minutes",
                "second",
                "seconds",
                "month",
                "months",
                "year",
                "years",
                "day",
                "months",
                "years",
                "week",
                "weeks",
                "dayss",
                "fortnights",
            ]);
            format!("{}{space}{unit}", amount(rng))
        }
        4 | 5 => rng
            .pick(&[
                "start of month",
                "start of year",
                "start of day",
                "start of week",
                "start of hour",
                "start  of day",
                "start of",
                "start of dayx",
                "start of month ",
            ])
            .to_owned(),
        6 => format!(
            "weekday {}",
            rng.pick(&[
                "0", "1", "2", "3", "4", "5", "6", "7", "-1", "1.0", "1.5", "", "x", " 3", "3 ",
                "6.9"
            ])
        ),
        7 => rng.pick(&["ceiling", "floor", "floor", "ceiling", "floors"]).to_owned(),
        8 => rng
            .pick(&[
                "unixepoch",
                "julianday",
                "auto",
                "subsec",
                "subsecond",
                "subsec",
                "subseconds",
                "unix",
                "autox",
            ])
            .to_owned(),
        9 => {
            let sign = rng.pick(&["+", "-", "", "+"]);
            format!("{sign}{}", time(rng))
        }
        10 => {
            let sign = rng.pick(&["+", "-", "+", "-", ""]);
            let year = rng.choose(&[
                "0000", "0001", "0004", "0100", "2000", "9999", "00001", "10000", "001", "99999",
            ]);
            let month = rng.choose(&["00", "01", "02", "06", "11", "12", "1"]);
            let day = rng.choose(&["00", "01", "15", "29", "30", "31", "1"]);
            let mut text = format!("{sign}{year}-{month}-{day}");
            if rng.one_in(2) {
                text.push_str(rng.pick(&[" ", " ", "T", "  "]));
                text.push_str(&time(rng));
            }
            text
        }
        _ => rng
            .pick(&[
                "",
                " ",
                "+",
                "-",
                "1",
                "+1",
                "days",
                "+ 1 day",
                "1day",
                "+1e1 days",
                "1e400 days",
                "nan days",
                "+0x10 days",
                "5373484 days",
                "5373485 days",
                "-5373485 days",
                "176545 months",
                "176546 months",
                "14712 years",
                "14713 years",
                "-14712 years",
                "4.6427e14 seconds",
                "464268974400 seconds",
                "7737900000000 minutes",
                "128970000000 hours",
                "now",
                "+1 day ",
                " +1 day",
                "1 days 2 hours",
                "+1:30",
                "+24:00",
                "+24:01",
                "-23:59:59.999",
                "+00:00:00.001",
                "+0 months",
                "-0 days",
                "1. days",
                ".5 days",
                "+.5 days",
                "--1 days",
                "+-1 days",
                "1_0 days",
                "é",
                "+2024-01-01",
                "+0001-00-00 00:00:00.5",
                "1 DAY",
                "2 Months",
                "+1\u{b}day",
            ])
            .to_owned(),
    };
    match rng.below(12) {
        0 => text.to_uppercase(),
        _ => text,
    }
}

fn amount(rng: &mut Rng) -> String {
    let sign = rng.pick(&["+", "+", "-", "-", ""]);
    match rng.below(6) {
        0 => format!(
            "{sign}{}",
            rng.pick(&[
                "0",
                "1",
                "12",
                "1000000",
                "0.5",
                "1.5",
                "0.0001",
                "1e2",
                "1.25",
                "0.9999",
                "31",
                "365",
                "999999999",
                ".5",
                "2."
            ])
        ),
        1 => format!("{sign}{}.{}", rng.below(40), rng.below(1000)),
        2 => format!("{sign}{}", rng.below(100_000)),
        _ => format!("{sign}{}", rng.below(40)),
    }
}

/// A format of strftime.
pub fn format(rng: &mut Rng) -> String {
    if rng.one_in(4) {
        return rng
            .pick(&[
                "%Y-%m-%d %H:%M:%f",
                "%s",
                "%J",
                "%Y-%m-%dT%H:%M:%SZ",
                "%Y-%m-%d %H:%M:%fZ",
                "%j %w %W",
                "%G-W%V-%u %g",
                "%U %u",
                "%e %k %l %I %p %P",
                "%F %T %R",
                "%%",
                "",
                "%",
                "abc%",
                "%d%d%d",
                "é%Yé",
                "%-d",
                "%E",
                "%O",
                "%:z",
                "%f",
                "%S",
                "%m",
                "%W",
            ])
            .to_owned();
    }
    let mut format = String::new();
    for _ in 0..=rng.below(4) {
        match rng.below(8) {
            0 => format.push_str(rng.pick(&["-", " ", "x", "é", "%%", "T", "日", "\n", ":"])),
            1 if rng.one_in(8) => format.push_str(&format!("%{}", rng.choose(&UNKNOWN))),
            _ => format.push_str(&format!("%{}", rng.choose(&CODES))),
        }
    }
    format
}

const CODES: [char; 29] = [
    'd', 'e', 'f', 'F', 'g', 'G', 'H', 'I', 'j', 'J', 'k', 'l', 'm', 'M', 'p', 'P', 'R', 's', 'S',
    'T', 'u', 'U', 'V', 'w', 'W', 'Y', '%', 'd', 'Y',
];

const UNKNOWN: [char; 26] = [
    'a', 'A', 'b', 'B', 'c', 'C', 'D', 'E', 'h', 'i', 'K', 'L', 'n', 'N', 'o', 'q', 'Q', 'r', 't',
    'v', 'x', 'X', 'y', 'z', 'Z', 'é',
];
