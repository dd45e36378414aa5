//! Reals as decimal digits, and back, with the rounding of SQLite 3.53.
//!
//! That rounding is not everywhere the correct one: powers of ten are taken with 64 or 96 bits, and only the first 19
//! digits of a number count. What SQLite stores and shows follows from it, so the same widths are used here.

/// What [`power`] knows; beyond lie zero and infinity.
const POWERS: std::ops::RangeInclusive<i32> = -348..=347;
/// The distance of the entries in [`COARSE`], and how many powers [`FINE`] has.
const STEP: i32 = 27;

/// The 96 leading bits of 10^-351, 10^-324 .. 10^324, rounded to nearest. 10^0 is not asked for.
const COARSE: [u128; 25] = [
    0x8049_a4ac_0c58_11ae_205b_896d,
    0xcf42_894a_5dce_35ea_5206_4cad,
    0xa76c_5823_38ed_2621_af2a_f2b8,
    0x873e_4f75_e222_4e68_5a77_44a7,
    0xda7f_5bf5_9096_6848_af39_a475,
    0xb080_392c_c434_9dec_bd8d_794e,
    0x8e93_8662_882a_f53e_547e_b47b,
    0xe658_29b3_046b_0afa_0cb4_a5a3,
    0xba12_1a46_50e4_ddeb_92f3_4d62,
    0x964e_858c_91ba_2655_3a6a_07f9,
    0xf2d5_6790_ab41_c2a2_fae2_7299,
    0xc428_d05a_a475_1e4c_aa97_e14c,
    0x9e74_d1b7_91e0_7e48_775e_a265,
    0xcecb_8f27_f420_0f3a_0000_0000,
    0xa70c_3c40_a64e_6c51_9990_90b6,
    0x86f0_ac99_b4e8_dafd_69a0_28bb,
    0xda01_ee64_1a70_8de9_e80e_6f48,
    0xb01a_e745_b101_e9e4_5ec0_5dd0,
    0x8e41_ade9_fbeb_c27d_1458_8f14,
    0xe5d3_ef28_2a24_2e81_8f16_68c9,
    0xb9a7_4a06_37ce_2ee1_6d95_3e2c,
    0x95f8_3d0a_1fb6_9cd9_4abd_af10,
    0xf24a_01a7_3cf2_dccf_bc63_3b39,
    0xc3b8_3581_09e8_4f07_0a86_2f81,
    0x9e19_db92_b4e3_1ba9_6c07_a2c2,
];

/// The 64 leading bits of 10^0 .. 10^26, which are all that these powers have: 5^26 takes 61.
const FINE: [u64; STEP as usize] = {
    let mut powers = [0; STEP as usize];
    let mut power = 1_u128;
    let mut at = 0;
    while at < powers.len() {
        powers[at] = (power << power.leading_zeros() >> 64) as u64;
        power *= 10;
        at += 1;
    }
    powers
};

/// Decimal digits of a finite real.
#[derive(Clone, Debug, PartialEq)]
pub struct Decimal {
    /// Whether the real is below zero; SQLite shows -0.0 as 0.0.
    pub negative: bool,
    /// How many digits stand before the decimal point; zero or less where the first digit stands behind it.
    pub point: i32,
    buffer: [u8; Self::CAPACITY],
    first: usize,
    end: usize,
}

/// Where the digits of a real end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// So many digits after the decimal point.
    Places(i32),
    /// So many digits in all, at least one.
    Significant(i32),
}

impl Decimal {
    /// The 20 digits of the largest `u64`, and one that rounding up may put before them.
    const CAPACITY: usize = 21;

    /// The digits of a finite real, at most `limit` of them, without trailing zeros.
    pub fn new(real: f64, rounding: Rounding, limit: i32) -> Self {
        let mut decimal = Self {
            negative: real < 0.0,
            point: 1,
            buffer: [b'0'; Self::CAPACITY],
            first: Self::CAPACITY - 1,
            end: Self::CAPACITY,
        };
        if real == 0.0 {
            return decimal;
        }
        let magnitude = real.abs();
        let wanted = match rounding {
            Rounding::Significant(count) if count < 18 => count + 1,
            _ => 18,
        };
        let (mut digits, exponent) = leading_digits(magnitude, wanted);
        decimal.first = Self::CAPACITY;
        while digits > 0 {
            decimal.first -= 1;
            decimal.buffer[decimal.first] = b'0' + (digits % 10) as u8;
            digits /= 10;
        }
        decimal.point = decimal.count() + exponent;
        let mut keep = match rounding {
            Rounding::Significant(count) => count,
            Rounding::Places(places) => decimal.point.saturating_add(places),
        };
        if keep == 0 && matches!(rounding, Rounding::Places(_)) && decimal.digits()[0] >= b'5' {
            // 0.7 without places: a zero in front of the first digit is what can be rounded up to 1.
            decimal.put_first(b'0');
            keep = 1;
        }
        if keep > 0 && (keep < decimal.count() || decimal.count() > limit) {
            keep = keep.min(limit);
            if keep == 17 {
                keep = decimal.shorter(magnitude, exponent).unwrap_or(keep);
            }
            decimal.round(keep as usize);
        }
        while decimal.end - decimal.first > 1 && decimal.buffer[decimal.end - 1] == b'0' {
            decimal.end -= 1;
        }
        decimal
    }

    /// The digits, as ASCII; at least one.
    pub fn digits(&self) -> &[u8] {
        &self.buffer[self.first..self.end]
    }

    fn count(&self) -> i32 {
        (self.end - self.first) as i32
    }

    fn put_first(&mut self, digit: u8) {
        self.first -= 1;
        self.buffer[self.first] = digit;
        self.point += 1;
    }

    /// How many digits do, after rounding, where 17 are not needed for a text that reads back as the same real.
    fn shorter(&self, magnitude: f64, exponent: i32) -> Option<i32> {
        let digits = self.digits();
        let value = |digits: &[u8]| {
            digits.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'))
        };
        let (length, candidate) = if digits[14..16] == *b"99" {
            let length =
                digits[..14].iter().rposition(|digit| *digit != b'9').map_or(0, |at| at + 1);
            (length, value(&digits[..length]) + 1)
        } else if self.point >= self.count() || digits[13..16] == *b"000" {
            let length =
                digits[..13].iter().rposition(|digit| *digit != b'0').map_or(1, |at| at + 1);
            (length, value(&digits[..length]))
        } else {
            return None;
        };
        let dropped = (digits.len() - length) as i32;
        (from_decimal(candidate, exponent + dropped) == magnitude).then_some(length as i32 + 1)
    }

    /// Keeps the first digits, half rounded up.
    fn round(&mut self, keep: usize) {
        let up = self.digits()[keep] >= b'5';
        self.end = self.first + keep;
        if !up {
            return;
        }
        for at in (self.first..self.end).rev() {
            if self.buffer[at] < b'9' {
                self.buffer[at] += 1;
                return;
            }
            self.buffer[at] = b'0';
        }
        self.put_first(b'1');
    }
}

/// About `count` leading digits of a finite real above zero (one more or less can come out), and the power of ten that
/// they are to be multiplied by.
fn leading_digits(real: f64, count: i32) -> (u64, i32) {
    let bits = real.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    // The mantissa with its highest bit set, and the power of two that goes with it.
    let (mantissa, exponent) = match (bits >> 52) & 0x7ff {
        0 => {
            let zeros = fraction.leading_zeros();
            (fraction << zeros, -1074 - zeros.cast_signed())
        }
        biased => (fraction << 11 | 1 << 63, biased as i32 - 1086),
    };
    let scale = count - 1 - floor_log10_of_power_of_2(exponent + 63);
    let product = high(mantissa, (power(scale) >> 32) as u64);
    let surplus = -(exponent + floor_log2_of_power_of_10(scale) + 1);
    let digits = if count == 18 {
        let product = product >> (surplus - 1);
        (product + 2 * (product & 1)) >> 1
    } else {
        product >> surplus
    };
    (digits, -scale)
}

/// The real nearest to `digits` times a power of ten, as far as 96 bits of that power tell.
pub fn from_decimal(digits: u64, exponent: i32) -> f64 {
    if digits == 0 || exponent < *POWERS.start() {
        return 0.0;
    }
    if exponent > *POWERS.end() {
        return f64::INFINITY;
    }
    let zeros = digits.leading_zeros().cast_signed();
    let power_log = floor_log2_of_power_of_10(exponent);
    let mut scale = 53 - (64 - zeros) - power_log;
    if scale >= 1130 {
        return 0.0;
    }
    // Below the smallest normal real bits are lost, but never the power of two.
    scale = scale.min(1074);
    let shift = zeros - scale - power_log - 3;
    let (mut upper, mut lower) = split(power(exponent));
    if lower != 0 {
        upper += 1;
        lower = !lower;
    }
    let mantissa = digits << zeros;
    let product = u128::from(mantissa) * u128::from(upper);
    let mut top = (product >> 64) as u64;
    let mut sticky = true;
    if top & ((1 << shift) - 1) == 0 {
        let middle = (product >> 32) as u32;
        let correction = (high(mantissa, u64::from(lower) << 32) >> 32) as u32;
        sticky = middle.wrapping_sub(correction) > 1;
        top -= u64::from(middle < correction);
    }
    let mut rounded = (top >> shift) | u64::from(sticky);
    if rounded >= (1 << 55) - 2 {
        rounded = (rounded >> 1) | (rounded & 1);
        scale -= 1;
    }
    let fraction = (rounded + 1 + ((rounded >> 2) & 1)) >> 2;
    if scale <= -972 {
        return f64::INFINITY;
    }
    if fraction & (1 << 52) == 0 {
        return f64::from_bits(fraction);
    }
    f64::from_bits((fraction & !(1 << 52)) | u64::from((1075 - scale).cast_unsigned()) << 52)
}

/// The 96 leading bits of a power of ten in [`POWERS`].
fn power(exponent: i32) -> u128 {
    debug_assert!((-351..=350).contains(&exponent));
    if exponent == -1 {
        return 0xcccc_cccc_cccc_cccc_cccc_cccc;
    }
    let fine = exponent.rem_euclid(STEP);
    let base = u128::from(FINE[fine as usize]);
    let index = exponent.div_euclid(STEP) + 13;
    if index == 13 {
        return base << 32;
    }
    let coarse = COARSE[index as usize - usize::from(index > 13)];
    if fine == 0 {
        return coarse;
    }
    let (upper, lower) = split(coarse);
    let product = (u128::from(upper) * base + ((u128::from(lower) * base) >> 32)) >> 32;
    if product >> 95 == 0 { product << 1 | 1 } else { product }
}

/// The upper 64 and the lower 32 of 96 bits.
const fn split(bits: u128) -> (u64, u32) {
    ((bits >> 32) as u64, bits as u32)
}

/// The upper half of a product.
fn high(left: u64, right: u64) -> u64 {
    ((u128::from(left) * u128::from(right)) >> 64) as u64
}

const fn floor_log2_of_power_of_10(exponent: i32) -> i32 {
    (exponent * 108_853) >> 15
}

const fn floor_log10_of_power_of_2(exponent: i32) -> i32 {
    (exponent * 78_913) >> 18
}
