//! Which parts of the line the partitions of a table leave open. Free of the server.

/// A half-open range of positions. `i64::MIN` and `i64::MAX` stand for MINVALUE, MAXVALUE and the infinities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub lower: i64,
    pub upper: i64,
}

/// The parts of `wanted` outside of every one of `covered`, which are sorted and do not overlap.
pub fn uncovered(wanted: Range, covered: &[Range]) -> Vec<Range> {
    let first = covered.partition_point(|range| range.upper <= wanted.lower);
    let mut open = vec![];
    let mut lower = wanted.lower;
    for range in &covered[first..] {
        if range.lower >= wanted.upper {
            break;
        }
        if range.lower > lower {
            open.push(Range { lower, upper: range.lower });
        }
        lower = range.upper;
    }
    if lower < wanted.upper {
        open.push(Range { lower, upper: wanted.upper });
    }
    open
}

#[cfg(test)]
mod unit {
    use super::*;

    fn open(wanted: (i64, i64), covered: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let range = |(lower, upper)| Range { lower, upper };
        let covered: Vec<_> = covered.iter().copied().map(range).collect();
        uncovered(range(wanted), &covered).into_iter().map(|r| (r.lower, r.upper)).collect()
    }

    #[test]
    fn only_what_no_partition_covers_is_open() {
        assert_eq!(open((10, 20), &[]), [(10, 20)]);
        assert_eq!(open((10, 20), &[(0, 10), (20, 30)]), [(10, 20)]);
        assert_eq!(open((10, 20), &[(10, 20)]), []);
        assert_eq!(open((10, 20), &[(0, 100)]), []);
        assert_eq!(open((10, 20), &[(i64::MIN, i64::MAX)]), []);
        assert_eq!(open((10, 20), &[(5, 12), (14, 16), (18, 25)]), [(12, 14), (16, 18)]);
        assert_eq!(open((10, 20), &[(i64::MIN, 12)]), [(12, 20)]);
        assert_eq!(open((10, 20), &[(18, i64::MAX)]), [(10, 18)]);
    }
}
