//! Two texts beside each other, and where they differ. It must not know what
//! they are.

/// How long texts may be that are compared character by character; of longer
/// ones only what is equal at both ends is told.
const MOST: usize = 1200;

/// Which characters of two texts the other one does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// For each character of the first text, whether it is only there.
    pub first: Vec<bool>,
    /// For each character of the second text, whether it is only there.
    pub second: Vec<bool>,
}

/// Compares two texts.
pub fn diff(first: &str, second: &str) -> Diff {
    let (a, b): (Vec<char>, Vec<char>) = (first.chars().collect(), second.chars().collect());
    let same = |(a, b): &(&char, &char)| a == b;
    let head = a.iter().zip(&b).take_while(same).count();
    let rest = a.len().min(b.len()) - head;
    let tails = a.iter().rev().zip(b.iter().rev());
    let tail = tails.take(rest).take_while(same).count();
    let (inner_a, inner_b) = (&a[head..a.len() - tail], &b[head..b.len() - tail]);
    let mut out = Diff {
        first: vec![false; a.len()],
        second: vec![false; b.len()],
    };
    out.first[head..a.len() - tail].fill(true);
    out.second[head..b.len() - tail].fill(true);
    if inner_a.len() > MOST || inner_b.len() > MOST {
        return out;
    }
    // The longest common subsequence; `length[i][j]` is that of the tails.
    let width = inner_b.len() + 1;
    let mut length = vec![0_u16; (inner_a.len() + 1) * width];
    for i in (0..inner_a.len()).rev() {
        for j in (0..inner_b.len()).rev() {
            length[i * width + j] = match inner_a[i] == inner_b[j] {
                true => length[(i + 1) * width + j + 1] + 1,
                false => length[(i + 1) * width + j].max(length[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < inner_a.len() && j < inner_b.len() {
        if inner_a[i] == inner_b[j] {
            out.first[head + i] = false;
            out.second[head + j] = false;
            (i, j) = (i + 1, j + 1);
        } else if length[(i + 1) * width + j] >= length[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(flags: &[bool]) -> String {
        flags.iter().map(|is| if *is { '^' } else { ' ' }).collect()
    }

    #[test]
    fn what_differs_is_marked_and_nothing_else() {
        for (first, second, a, b) in [
            ("", "", "", ""),
            ("abc", "abc", "   ", "   "),
            ("ab-1", "AB-1", "^^  ", "^^  "),
            ("a.b", "ab", " ^ ", "  "),
            ("ab", "ab\n", "  ", "  ^"),
            ("1719", "1719000", "    ", "    ^^^"),
            ("x\u{2063}y", "xy", " ^ ", "  "),
        ] {
            let found = diff(first, second);
            let marks = (marks(&found.first), marks(&found.second));
            assert_eq!(marks, (a.to_owned(), b.to_owned()), "{first} {second}");
        }
    }
}
