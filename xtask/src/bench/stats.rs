//! What is made of the rounds of a measurement: medians and paired ratios.

use serde::{Deserialize, Serialize};

/// A series of rounds in three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// None for an empty series, and for one with a value that is not a finite number.
    pub fn of(values: &[f64]) -> Option<Spread> {
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        };
        Some(Spread { median, min, max })
    }
}

/// Round by round, what is left after the baseline.
pub fn net(values: &[f64], baseline: &[f64]) -> Vec<f64> {
    values.iter().zip(baseline).map(|(value, base)| value - base).collect()
}

/// Round by round, how many times `reference` the value is.
///
/// What disturbs a machine for a while disturbs both halves of a pair, so the ratio of a pair is steadier than the
/// ratio of two medians. None where the reference costs nothing beyond the baseline in some round: there is no ratio then.
pub fn paired_ratio(values: &[f64], reference: &[f64]) -> Option<Spread> {
    if values.len() != reference.len() || reference.iter().any(|cost| *cost <= 0.0) {
        return None;
    }
    let ratios: Vec<f64> = values.iter().zip(reference).map(|(a, b)| a / b).collect();
    Spread::of(&ratios)
}

/// The order of round `round`: everybody once, each round beginning with the next one.
pub fn rotation(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |place| (round + place) % contenders)
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn median_is_the_middle_or_the_mean_of_the_two_in_the_middle() {
        let odd = Spread::of(&[5.0, 1.0, 3.0]).unwrap();
        assert_eq!(odd, Spread { median: 3.0, min: 1.0, max: 5.0 });
        let even = Spread::of(&[4.0, 1.0, 3.0, 10.0]).unwrap();
        assert_eq!(even, Spread { median: 3.5, min: 1.0, max: 10.0 });
        let one = Spread::of(&[-2.0]).unwrap();
        assert_eq!(one, Spread { median: -2.0, min: -2.0, max: -2.0 });
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[1.0, f64::NAN]), None);
        assert_eq!(Spread::of(&[1.0, f64::INFINITY]), None);
    }

    #[test]
    fn one_slow_round_moves_the_median_of_neither() {
        let quiet = Spread::of(&[10.0, 11.0, 12.0, 11.0, 10.0]).unwrap();
        let disturbed = Spread::of(&[10.0, 11.0, 500.0, 11.0, 10.0]).unwrap();
        assert_eq!(quiet.median, 11.0);
        assert_eq!(disturbed.median, 11.0);
    }

    #[test]
    fn net_is_taken_round_by_round() {
        assert_eq!(net(&[15.0, 25.0], &[5.0, 20.0]), [10.0, 5.0]);
    }

    #[test]
    fn ratio_is_paired_so_a_slow_machine_cancels_out() {
        // The second round ran at half the speed, for both.
        let ratio = paired_ratio(&[10.0, 20.0, 11.0], &[100.0, 200.0, 100.0]).unwrap();
        assert_eq!(ratio, Spread { median: 0.1, min: 0.1, max: 0.11 });
        // The ratio of the medians would be the same here, that of the means would not: pairs that disagree show it.
        let ratio = paired_ratio(&[10.0, 90.0, 30.0], &[20.0, 30.0, 30.0]).unwrap();
        assert_eq!(ratio, Spread { median: 1.0, min: 0.5, max: 3.0 });
    }

    #[test]
    fn no_ratio_to_nothing() {
        assert_eq!(paired_ratio(&[1.0, 1.0], &[1.0, 0.0]), None);
        assert_eq!(paired_ratio(&[1.0, 1.0], &[1.0, -0.5]), None);
        assert_eq!(paired_ratio(&[1.0], &[1.0, 1.0]), None);
        assert_eq!(paired_ratio(&[], &[]), None);
    }

    #[test]
    fn every_round_has_everybody_and_another_first() {
        let order = |round| rotation(round, 3).collect::<Vec<_>>();
        assert_eq!(order(0), [0, 1, 2]);
        assert_eq!(order(1), [1, 2, 0]);
        assert_eq!(order(2), [2, 0, 1]);
        assert_eq!(order(3), [0, 1, 2]);
    }
}
