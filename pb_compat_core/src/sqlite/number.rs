//! Numbers as text, and text as numbers.

/// A real as SQLite writes it: at most 17 significant digits, and always with a point or an exponent.
pub fn real_text(real: f64) -> String {
    if real.is_infinite() {
        return if real > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{real:?}");
    if text.contains(['.', 'e']) { text } else { text + ".0" }
}
