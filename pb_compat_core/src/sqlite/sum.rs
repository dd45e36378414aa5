//! `total()`.

use super::Value;
use super::number::Number;

/// A sum: exact while it is one of integers that fits, then of reals with what rounding lost kept beside it, as
/// Kahan, Babuška and Neumaier have shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    real: f64,
    lost: f64,
    integer: i64,
    inexact: bool,
}

impl Sum {
    /// NULL adds nothing; text that is no number adds what it starts with.
    pub fn add(&mut self, value: &Value) {
        let number = match value {
            Value::Null => return,
            value => value.as_number().unwrap_or_else(|| Number::Real(value.as_real())),
        };
        if !self.inexact {
            if let Number::Integer(integer) = number
                && let Some(sum) = self.integer.checked_add(integer)
            {
                self.integer = sum;
                return;
            }
            self.inexact = true;
            let (big, small) = split(self.integer);
            (self.real, self.lost) = (big, small);
        }
        match number {
            Number::Integer(integer) => {
                let (big, small) = split(integer);
                self.add_real(big);
                if small != 0.0 {
                    self.add_real(small);
                }
            }
            Number::Real(real) => self.add_real(real),
        }
    }

    fn add_real(&mut self, real: f64) {
        let sum = self.real + real;
        self.lost += if self.real.abs() > real.abs() {
            (self.real - sum) + real
        } else {
            (real - sum) + self.real
        };
        self.real = sum;
    }

    /// `None` where it is not a number: an infinity less an infinity.
    pub fn total(&self) -> Option<f64> {
        let total = match self.inexact {
            false => self.integer as f64,
            true if self.lost.is_finite() => self.real + self.lost,
            true => self.real,
        };
        (!total.is_nan()).then_some(total)
    }
}

/// An integer as two reals that hold it exactly.
fn split(integer: i64) -> (f64, f64) {
    const EXACT: std::ops::Range<i64> = -((1 << 52) - 1)..1 << 52;
    if EXACT.contains(&integer) {
        return (integer as f64, 0.0);
    }
    let small = integer % 16_384;
    ((integer - small) as f64, small as f64)
}

#[cfg(test)]
mod unit {
    use super::*;

    fn total<'a>(values: impl IntoIterator<Item = Value<'a>>) -> Option<f64> {
        let mut sum = Sum::default();
        values.into_iter().for_each(|value| sum.add(&value));
        sum.total()
    }

    #[test]
    fn totals() {
        let text = |text: &'static str| Value::Text(text.into());
        assert_eq!(total([]), Some(0.0));
        assert_eq!(total([Value::Null]), Some(0.0));
        assert_eq!(
            total([Value::Integer(1), Value::Boolean(true), text("2"), text("3.5x")]),
            Some(7.5)
        );
        assert_eq!(
            total([Value::Integer(i64::MAX), Value::Integer(1)]),
            Some(9_223_372_036_854_775_808.0)
        );
        assert_eq!(total(vec![Value::Real(0.1); 10]), Some(1.0));
        assert_eq!(total([1e100, 1.0, -1e100].map(Value::Real)), Some(1.0));
        assert_eq!(total([f64::INFINITY, 1.0].map(Value::Real)), Some(f64::INFINITY));
        assert_eq!(total([f64::INFINITY, f64::NEG_INFINITY].map(Value::Real)), None);
    }
}
