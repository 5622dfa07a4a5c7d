//! Printing figures so that they can be read and pasted.

use std::time::Duration;

/// Prints a heading.
#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
pub fn heading(text: &str) {
    println!("\n## {text}\n");
}

/// Prints the columns' names.
pub fn columns(names: &[&str]) {
    row(names);
    row(&vec!["---"; names.len()]);
}

/// Prints one row.
#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
pub fn row(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}

/// `12.3 ms` or `456 µs`.
pub fn duration(value: Duration) -> String {
    let micros = value.as_micros();
    if micros >= 10_000 {
        format!("{:.1} ms", value.as_secs_f64() * 1e3)
    } else {
        format!("{micros} µs")
    }
}

/// `12,345`.
pub fn rate(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
