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
