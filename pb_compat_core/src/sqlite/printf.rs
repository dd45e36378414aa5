//! `printf()`, which is also `format()`, and what SQLite makes with it.

use super::decimal::{Decimal, Rounding};
use super::number::{push_exponent, text_to_real};
use super::output::Output;
use super::{Error, Value};

/// More digits than this are not asked of a real.
const MAX_PRECISION: i32 = 100_000_000;

/// Text with conversions such as `%d` filled in from the arguments, NULL where there are too few. A conversion that
/// does not exist ends it. Of a character that a precision cuts, U+FFFD stays. `None` where there is nothing to write at
/// all, which is less than writing an empty text.
pub fn printf<'a>(
    format: &str,
    arguments: impl IntoIterator<Item = Value<'a>>,
) -> Result<Option<String>, Error> {
    let mut arguments = arguments.into_iter();
    let mut next = || arguments.next().unwrap_or(Value::Null);
    let mut output = Output::default();
    let mut rest = format.as_bytes();
    let mut is_written = false;
    while !rest.is_empty() {
        let percent = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        if percent > 0 {
            output.push(&rest[..percent])?;
            rest = &rest[percent..];
        } else if rest.len() == 1 {
            output.push(rest)?;
            rest = b"";
        } else {
            let (conversion, length) = Conversion::read(&rest[1..], &mut next);
            if !conversion.write(&mut output, &mut next)? {
                break;
            }
            rest = &rest[1 + length..];
        }
        is_written = true;
    }
    Ok(is_written.then(|| output.into_text()))
}

/// A value as an SQL literal.
pub fn quote(value: &Value) -> Result<String, Error> {
    Ok(match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(_) | Value::Boolean(_) => value.as_integer().to_string(),
        Value::Real(_) => printf("%!0.17g", [value.clone()])?.unwrap_or_default(),
        Value::Text(_) | Value::Json(_) => printf("%Q", [value.clone()])?.unwrap_or_default(),
        Value::Blob(bytes) => format!("X'{}'", super::text::hex(bytes)?),
    })
}

/// [`quote`], with control characters of a text escaped for [`super::text::unistr`].
pub fn unistr_quote(value: &Value) -> Result<String, Error> {
    match value {
        Value::Text(_) | Value::Json(_) => Ok(printf("%#Q", [value.clone()])?.unwrap_or_default()),
        _ => quote(value),
    }
}

/// Half away from zero, at so many decimal places; there are 0 to 30.
pub fn round(real: f64, places: i64) -> Result<f64, Error> {
    /// From here on a real has no fraction.
    const INTEGERS: f64 = 4_503_599_627_370_496.0;
    if real.abs() > INTEGERS {
        return Ok(real);
    }
    Ok(match places.clamp(0, 30) {
        0 => ((real + if real < 0.0 { -0.5 } else { 0.5 }) as i64) as f64,
        places => printf(&format!("%!.{places}f"), [Value::Real(real)])?
            .map_or(real, |text| text_to_real(text.as_bytes())),
    })
}

/// What stands between a `%` and the letter that ends it.
#[derive(Default)]
struct Conversion {
    /// `-`
    left: bool,
    /// `+` or a space: what a number that is not negative starts with.
    plus: Option<u8>,
    /// `#`
    alternate: bool,
    /// `!`: characters count instead of bytes, and a real shows up to 20 digits.
    exact: bool,
    /// `0`
    zeros: bool,
    /// `,`
    thousands: bool,
    width: usize,
    precision: Option<i32>,
    /// 0 where the format ends too early.
    letter: u8,
}

impl Conversion {
    /// Reads a conversion, and how many bytes it has.
    fn read<'a>(format: &[u8], next: &mut impl FnMut() -> Value<'a>) -> (Self, usize) {
        let mut conversion = Self::default();
        let mut at = 0;
        let byte = |at: usize| format.get(at).copied().unwrap_or(0);
        // Numbers wrap around as C's do.
        let number = |at: &mut usize| {
            let mut number = 0_u32;
            while byte(*at).is_ascii_digit() {
                number = number.wrapping_mul(10).wrapping_add(u32::from(byte(*at) - b'0'));
                *at += 1;
            }
            (number & 0x7fff_ffff).cast_signed()
        };
        loop {
            match byte(at) {
                b'-' => conversion.left = true,
                plus @ (b'+' | b' ') => conversion.plus = Some(plus),
                b'#' => conversion.alternate = true,
                b'!' => conversion.exact = true,
                b'0' => conversion.zeros = true,
                b',' => conversion.thousands = true,
                b'1'..=b'9' => {
                    conversion.width = number(&mut at) as usize;
                    if !matches!(byte(at), b'.' | b'l') {
                        break;
                    }
                    continue;
                }
                b'*' => {
                    let width = next().as_integer() as i32;
                    conversion.left |= width < 0;
                    conversion.width = width.checked_abs().unwrap_or(0) as usize;
                    if !matches!(byte(at + 1), b'.' | b'l') {
                        at += 1;
                        break;
                    }
                }
                b'.' => {
                    at += 1;
                    conversion.precision = if byte(at) == b'*' {
                        at += 1;
                        (next().as_integer() as i32).checked_abs()
                    } else {
                        Some(number(&mut at))
                    };
                    if byte(at) != b'l' {
                        break;
                    }
                    continue;
                }
                b'l' => {
                    at += if byte(at + 1) == b'l' { 2 } else { 1 };
                    break;
                }
                _ => break,
            }
            at += 1;
        }
        conversion.letter = byte(at);
        (conversion, at + 1)
    }

    /// Takes what it needs and writes it. False where there is no such conversion.
    fn write<'a>(
        mut self,
        output: &mut Output,
        next: &mut impl FnMut() -> Value<'a>,
    ) -> Result<bool, Error> {
        match self.letter {
            b'd' | b'i' => {
                let value = next().as_integer();
                self.integer(output, value.unsigned_abs(), value < 0)?;
            }
            b'r' => {
                self.thousands = false;
                let value = next().as_integer();
                self.integer(output, value.unsigned_abs(), value < 0)?;
            }
            b'u' => {
                self.plus = None;
                self.integer(output, next().as_integer().cast_unsigned(), false)?;
            }
            b'x' | b'X' | b'o' | b'p' => {
                self.thousands = false;
                self.plus = None;
                self.integer(output, next().as_integer().cast_unsigned(), false)?;
            }
            b'f' | b'e' | b'E' | b'g' | b'G' => self.real(output, next().as_real())?,
            b's' | b'z' => {
                let value = next();
                self.string(output, &c_string(&value).unwrap_or_default())?;
            }
            b'c' => {
                let value = next();
                self.character(output, &c_string(&value).unwrap_or_default())?;
            }
            b'q' | b'Q' | b'w' => {
                let value = next();
                self.escaped(output, c_string(&value).as_deref())?;
            }
            b'%' => self.pad(output, b"%")?,
            b'n' => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn integer(&self, output: &mut Output, magnitude: u64, negative: bool) -> Result<(), Error> {
        let sign = if negative { Some(b'-') } else { self.plus };
        let digits = match self.letter {
            b'x' => format!("{magnitude:x}"),
            b'X' | b'p' => format!("{magnitude:X}"),
            b'o' => format!("{magnitude:o}"),
            b'r' => format!("{magnitude}{}", ordinal(magnitude)),
            _ => magnitude.to_string(),
        };
        let mut precision = self.precision.unwrap_or(0) as usize;
        if self.zeros {
            precision = precision.max(self.width.saturating_sub(sign.iter().len()));
        }
        let commas = if self.thousands { precision / 3 } else { 0 };
        let mut field = Output::default();
        field.reserve(precision.max(digits.len()) + commas + 10)?;
        field.push(sign.as_slice())?;
        if self.alternate && magnitude != 0 {
            field.push(match self.letter {
                b'x' | b'p' => b"0x",
                b'X' => b"0X",
                b'o' => b"0",
                _ => b"",
            })?;
        }
        let zeros = precision.saturating_sub(digits.len());
        if self.thousands {
            let count = zeros + digits.len();
            let all = std::iter::repeat_n(b'0', zeros).chain(digits.bytes());
            for (place, digit) in all.enumerate() {
                if place > 0 && (count - place).is_multiple_of(3) {
                    field.push(b",")?;
                }
                field.push(&[digit])?;
            }
        } else {
            field.fill(b'0', zeros)?;
            field.push(digits.as_bytes())?;
        }
        self.pad(output, &field.into_bytes())
    }

    fn real(&self, output: &mut Output, real: f64) -> Result<(), Error> {
        if real.is_infinite() && !self.zeros {
            let sign = if real < 0.0 { Some(b'-') } else { self.plus };
            let mut field = sign.map_or_else(Vec::new, |sign| vec![sign]);
            field.extend_from_slice(b"Inf");
            return self.pad(output, &field);
        }
        let mut precision = self.precision.unwrap_or(6).min(MAX_PRECISION);
        let rounding = match self.letter {
            b'f' => Rounding::Places(precision),
            b'g' | b'G' => {
                precision = precision.max(1);
                Rounding::Significant(precision)
            }
            _ => Rounding::Significant(precision + 1),
        };
        let (negative, mut point, decimal);
        let digits = if real.is_infinite() {
            // With leading zeros asked for, infinity is a number that reads back as infinity.
            (negative, point) = (real < 0.0, 1000);
            b"9"
        } else {
            decimal = Decimal::new(real, rounding, if self.exact { 20 } else { 16 });
            (negative, point) = (decimal.negative, decimal.point);
            decimal.digits()
        };
        let shows_zero = self.letter == b'f' && point <= -precision;
        let sign = match negative {
            true if self.alternate && self.plus.is_none() && shows_zero => None,
            true => Some(b'-'),
            false => self.plus,
        };
        let generic = matches!(self.letter, b'g' | b'G');
        let exponent = point - 1;
        let scientific = match generic {
            true => exponent < -4 || exponent > precision - 1,
            false => self.letter != b'f',
        };
        if generic {
            precision -= 1;
            if !scientific {
                precision -= exponent;
            }
        }
        if scientific {
            point = 1;
        }
        let mut field = Output::default();
        field.reserve(point.max(0) as usize * 4 / 3 + precision as usize + self.width + 10)?;
        field.push(sign.as_slice())?;
        self.whole_part(&mut field, digits, point)?;
        let trim = if generic { !self.alternate } else { self.exact };
        let fraction = Fraction {
            zeros: (-point).clamp(0, precision) as usize,
            digits: digits.get(point.max(0) as usize..).unwrap_or_default(),
            places: precision as usize,
            trim,
        };
        if precision > 0 || self.alternate || self.exact {
            fraction.write(&mut field, self.exact)?;
        }
        if scientific {
            let letter = if self.letter.is_ascii_uppercase() { 'E' } else { 'e' };
            let mut suffix = String::new();
            push_exponent(&mut suffix, letter, exponent);
            field.push(suffix.as_bytes())?;
        }
        let field = field.into_bytes();
        if self.zeros && !self.left && field.len() < self.width {
            let (sign, digits) = field.split_at(sign.iter().len());
            output.push(sign)?;
            output.fill(b'0', self.width - field.len())?;
            return output.push(digits);
        }
        self.pad(output, &field)
    }

    /// The digits before the decimal point.
    fn whole_part(&self, field: &mut Output, digits: &[u8], point: i32) -> Result<(), Error> {
        if point <= 0 {
            return field.push(b"0");
        }
        let point = point as usize;
        if !self.thousands {
            let shown = digits.len().min(point);
            field.push(&digits[..shown])?;
            return field.fill(b'0', point - shown);
        }
        for place in 0..point {
            field.push(&[digits.get(place).copied().unwrap_or(b'0')])?;
            let left = point - 1 - place;
            if left > 1 && left.is_multiple_of(3) {
                field.push(b",")?;
            }
        }
        Ok(())
    }

    /// The precision counts bytes, or characters with `!`.
    fn string(&self, output: &mut Output, text: &str) -> Result<(), Error> {
        let shown = match self.precision {
            None => text.as_bytes(),
            Some(precision) => &text.as_bytes()[..self.prefix_length(text, precision)],
        };
        self.pad_text(output, shown, self.exact)
    }

    fn prefix_length(&self, text: &str, precision: i32) -> usize {
        let precision = precision as usize;
        if self.exact {
            text.char_indices().nth(precision).map_or(text.len(), |(length, _)| length)
        } else {
            text.len().min(precision)
        }
    }

    /// The first character, as often as the precision says. NULL and no text at all give a null character.
    fn character(mut self, output: &mut Output, text: &str) -> Result<(), Error> {
        let mut encoded = [0; 4];
        let character = text.chars().next().unwrap_or('\0').encode_utf8(&mut encoded).as_bytes();
        let repeated = self.precision.unwrap_or(0).max(1) as usize - 1;
        if repeated > 0 {
            self.width = self.width.saturating_sub(repeated);
            if self.width > 1 && !self.left {
                output.fill(b' ', self.width - 1)?;
                self.width = 0;
            }
            output.repeat(character, repeated)?;
        }
        self.pad_text(output, character, true)
    }

    /// `%q`, `%Q`, `%w`: with quotes doubled, and `%Q` within quotes. The precision counts what is read.
    fn escaped(&self, output: &mut Output, text: Option<&str>) -> Result<(), Error> {
        let quoted = self.letter == b'Q' && text.is_some();
        let quote = if self.letter == b'w' { b'"' } else { b'\'' };
        let text = text.unwrap_or(if self.letter == b'Q' { "NULL" } else { "(NULL)" });
        let read = match self.precision {
            None => text.as_bytes(),
            Some(precision) => &text.as_bytes()[..self.prefix_length(text, precision)],
        };
        let has_controls = read.iter().any(|byte| *byte < b' ');
        let escape = self.alternate && (self.letter == b'q' || self.letter == b'Q' && has_controls);
        let mut field = Output::default();
        field.push(match (quoted, escape) {
            (true, true) => b"unistr('",
            (true, false) => b"'",
            (false, _) => b"",
        })?;
        for byte in read {
            match *byte {
                byte if byte == quote => field.push(&[quote, quote])?,
                b'\\' if escape => field.push(b"\\\\")?,
                byte @ ..b' ' if escape => field.push(format!("\\u{byte:04x}").as_bytes())?,
                byte => field.push(&[byte])?,
            }
        }
        field.push(match (quoted, escape) {
            (true, true) => b"')",
            (true, false) => b"'",
            (false, _) => b"",
        })?;
        self.pad_text(output, &field.into_bytes(), self.exact)
    }

    /// Fills up to the width, which counts bytes or characters.
    fn pad_text(&self, output: &mut Output, text: &[u8], characters: bool) -> Result<(), Error> {
        let extra = text.iter().filter(|byte| **byte & 0xc0 == 0x80).count();
        self.pad_to(output, text, self.width + if characters && self.width > 0 { extra } else { 0 })
    }

    fn pad(&self, output: &mut Output, text: &[u8]) -> Result<(), Error> {
        self.pad_to(output, text, self.width)
    }

    fn pad_to(&self, output: &mut Output, text: &[u8], width: usize) -> Result<(), Error> {
        let spaces = width.saturating_sub(text.len());
        if !self.left {
            output.fill(b' ', spaces)?;
        }
        output.push(text)?;
        if self.left {
            output.fill(b' ', spaces)?;
        }
        Ok(())
    }
}

/// What follows the decimal point.
struct Fraction<'a> {
    /// Those before the first digit.
    zeros: usize,
    digits: &'a [u8],
    /// How many digits there are to be.
    places: usize,
    /// Whether zeros at the end go, and with them a point that nothing follows.
    trim: bool,
}

impl Fraction<'_> {
    /// With `point`, a 0 keeps the point where everything was trimmed.
    fn write(&self, field: &mut Output, point: bool) -> Result<(), Error> {
        let digits = &self.digits[..self.digits.len().min(self.places - self.zeros)];
        if !self.trim {
            field.push(b".")?;
            field.fill(b'0', self.zeros)?;
            field.push(digits)?;
            return field.fill(b'0', self.places - self.zeros - digits.len());
        }
        let kept = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        if kept > 0 {
            field.push(b".")?;
            field.fill(b'0', self.zeros)?;
            field.push(&digits[..kept])?;
        } else if point {
            field.push(b".0")?;
        }
        Ok(())
    }
}

fn ordinal(magnitude: u64) -> &'static str {
    match (magnitude % 10, magnitude / 10 % 10 == 1) {
        (1, false) => "st",
        (2, false) => "nd",
        (3, false) => "rd",
        _ => "th",
    }
}

/// The text of a value as C reads it: up to a null character. `None` for NULL.
fn c_string(value: &Value) -> Option<String> {
    let mut text = value.to_text()?.into_owned();
    if let Some(end) = memchr::memchr(0, text.as_bytes()) {
        text.truncate(end);
    }
    Some(text)
}

#[cfg(test)]
mod unit {
    use super::*;

    fn format<'a>(format: &str, arguments: impl IntoIterator<Item = Value<'a>>) -> String {
        printf(format, arguments).unwrap().unwrap()
    }

    #[test]
    fn integers() {
        for (conversion, integer, text) in [
            ("%d", -7, "-7"),
            ("%+d", 7, "+7"),
            ("% i", 7, " 7"),
            ("%5d|", 42, "   42|"),
            ("%-5d|", 42, "42   |"),
            ("%05d", -42, "-0042"),
            ("%.3d", 7, "007"),
            ("%,d", 1_234_567, "1,234,567"),
            ("%0,9d", 1234, "000,001,234"),
            ("%u", -1, "18446744073709551615"),
            ("%x", 255, "ff"),
            ("%#X", 255, "0XFF"),
            ("%#o", 8, "010"),
            ("%#x", 0, "0"),
            ("%p", 255, "FF"),
            ("%r", 11, "11th"),
            ("%r", 22, "22nd"),
            ("%lld", i64::MIN, "-9223372036854775808"),
        ] {
            assert_eq!(format(conversion, [Value::Integer(integer)]), text, "{conversion}");
        }
    }

    #[test]
    fn reals() {
        for (conversion, real, text) in [
            ("%f", 1.5, "1.500000"),
            ("%.2f", 2.345, "2.35"),
            ("%.0f", 0.5, "1"),
            ("%.0f", 2.5, "3"),
            ("%,.2f", 1_234_567.891, "1,234,567.89"),
            ("%#.1f", -0.01, "0.0"),
            ("%+.1f", -0.01, "-0.0"),
            ("%08.2f", -1.5, "-0001.50"),
            ("%e", 12345.678, "1.234568e+04"),
            ("%.0E", 12345.678, "1E+04"),
            ("%g", 0.0001, "0.0001"),
            ("%g", 0.00001, "1e-05"),
            ("%#g", 100.0, "100.000"),
            ("%.20f", 0.1, "0.10000000000000000000"),
            ("%!.20f", 0.1, "0.1000000000000000056"),
            ("%!g", 100.0, "100.0"),
            ("%f", f64::INFINITY, "Inf"),
            ("%+5f", f64::INFINITY, " +Inf"),
            ("%0g", f64::NEG_INFINITY, "-9e+999"),
        ] {
            assert_eq!(format(conversion, [Value::Real(real)]), text, "{conversion}");
        }
    }

    #[test]
    fn texts() {
        for (conversion, argument, text) in [
            ("%s|%5s|", "é", "é|     |"),
            ("%5s|", "é", "   é|"),
            ("%!5s|", "é", "    é|"),
            ("%.1s", "é", "\u{fffd}"),
            ("%!.1s", "éa", "é"),
            ("%c", "éa", "é"),
            ("%5.3c|", "é", "  ééé|"),
            ("%q", "it's", "it''s"),
            ("%Q", "it's", "'it''s'"),
            ("%w", "a\"b", "a\"\"b"),
            ("%#Q", "a\nb\\", "unistr('a\\u000ab\\\\')"),
            ("%#Q", "ab\\", "'ab\\'"),
            ("%d", "12abc", "12"),
        ] {
            assert_eq!(format(conversion, [Value::Text(argument.into())]), text, "{conversion}");
        }
    }

    #[test]
    fn a_character_is_repeated() {
        for count in [1, 2, 4095, 4096, 4097, 4098, 10_000] {
            assert_eq!(
                format(&std::format!("%.{count}c"), [Value::Text("é".into())]),
                "é".repeat(count)
            );
        }
    }

    #[test]
    fn what_is_no_conversion_ends_the_text() {
        for (conversion, text) in
            [("a%", "a%"), ("a%y b", "a"), ("a%5", "a"), ("a%nb", "ab"), ("%5%", "    %")]
        {
            assert_eq!(format(conversion, []), text);
        }
        assert_eq!(format("%d %s %Q %q", []), "0  NULL (NULL)");
        assert_eq!(printf("", []), Ok(None));
        assert_eq!(printf("%y", []), Ok(None));
        assert_eq!(format("%s", []), "");
    }

    #[test]
    fn widths_from_arguments() {
        let integers =
            |values: &[i64]| values.iter().map(|v| Value::Integer(*v)).collect::<Vec<_>>();
        assert_eq!(format("%*d|", integers(&[4, 7])), "   7|");
        assert_eq!(format("%*d|", integers(&[-4, 7])), "7   |");
        assert_eq!(format("%.*d|", integers(&[3, 7])), "007|");
    }

    /// Without asking for the memory.
    #[test]
    fn what_is_too_long_is_an_error() {
        for conversion in ["%2000000000d", "%.2000000000d", "%2000000000s", "%-2000000000f"] {
            assert_eq!(printf(conversion, []), Err(Error::TooBig), "{conversion}");
        }
    }

    #[test]
    fn literals() {
        for (value, text) in [
            (Value::Null, "NULL"),
            (Value::Boolean(true), "1"),
            (Value::Integer(-1), "-1"),
            (Value::Real(0.1), "0.1"),
            (Value::Real(f64::INFINITY), "9.0e+999"),
            (Value::Text("it's".into()), "'it''s'"),
            (Value::Blob(b"\x01\xff"[..].into()), "X'01FF'"),
        ] {
            assert_eq!(quote(&value).unwrap(), text);
        }
        assert_eq!(unistr_quote(&Value::Text("\t".into())).unwrap(), "unistr('\\u0009')");
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        for (real, places, rounded) in [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (2.675, 2, 2.67),
            (1.005, 2, 1.0),
            (0.125, 2, 0.13),
            (123.456, -1, 123.0),
            (0.1, 40, 0.1),
            (1e300, 2, 1e300),
        ] {
            assert_eq!(round(real, places), Ok(rounded), "{real} {places}");
        }
    }
}
