//! Many numbers as one: sums, averages, deviations, extremes, merged documents. Used by the
//! operators here and by the accumulators of `$group`.

use value::{Document, Value, View, compare_views};

use super::decimal;
use super::number::Number;
use super::operator::{ANY, Operator, plain, wrong_kind};
use super::scope::Found;
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$sum", 0, ANY, |operands, _| {
        let mut sum = Sum::default();
        each(operands, |view| sum.add(view))?;
        Ok(Found::Made(sum.total()))
    }),
    plain("$avg", 0, ANY, |operands, _| {
        let mut sum = Sum::default();
        each(operands, |view| sum.add(view))?;
        Ok(Found::Made(sum.average()))
    }),
    plain("$stdDevPop", 0, ANY, |operands, _| {
        let mut deviation = Deviation::default();
        each(operands, |view| deviation.add(view))?;
        Ok(Found::Made(deviation.of_population()))
    }),
    plain("$stdDevSamp", 0, ANY, |operands, _| {
        let mut deviation = Deviation::default();
        each(operands, |view| deviation.add(view))?;
        Ok(Found::Made(deviation.of_sample()))
    }),
    plain("$max", 0, ANY, |operands, _| extreme(operands, false)),
    plain("$min", 0, ANY, |operands, _| extreme(operands, true)),
    plain("$mergeObjects", 0, ANY, |operands, _| {
        let mut merged = Document::new();
        // A single array is not a list of operands but a value of the wrong kind.
        for operand in operands.iter() {
            merge(&mut merged, operand)?;
        }
        Ok(Found::Made(Value::Document(merged)))
    }),
];

/// Shows every operand; a single array stands for its elements.
fn each(operands: &[Found<'_>], mut show: impl FnMut(&View<'_>)) -> Result<(), Error> {
    if let [only] = operands
        && let Some(View::Array(array)) = only.view()
    {
        for element in array.iter() {
            show(&element?);
        }
        return Ok(());
    }
    operands.iter().filter_map(Found::view).for_each(|view| show(&view));
    Ok(())
}

fn extreme<'s>(operands: &[Found<'_>], least: bool) -> Result<Found<'s>, Error> {
    let mut best: Option<Value> = None;
    let mut broken = Ok(());
    each(operands, |view| {
        let better = |known: &Value| {
            let order = compare_views(view, &View::from(known));
            if least { order.is_lt() } else { order.is_gt() }
        };
        if !matches!(view, View::Null) && best.as_ref().is_none_or(better) {
            match view.to_value() {
                Ok(value) => best = Some(value),
                Err(error) => broken = Err(error),
            }
        }
    })?;
    broken?;
    Ok(best.map_or(Found::NULL, Found::Made))
}

/// Adds the fields of a document; later ones win, null and nothing add nothing.
pub(crate) fn merge(merged: &mut Document, operand: &Found<'_>) -> Result<(), Error> {
    match operand.view() {
        None | Some(View::Null) => Ok(()),
        Some(View::Document(document)) => {
            for field in document.iter() {
                let (name, value) = field?;
                merged.insert(name, value.to_value()?);
            }
            Ok(())
        }
        Some(_) => Err(wrong_kind("$mergeObjects", "objects", "对象", operand)),
    }
}

/// A running sum: whole numbers exactly, doubles with what rounding lost, decimals as decimals.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sum {
    whole: i128,
    double: f64,
    lost: f64,
    decimal: Option<[u8; 16]>,
    has_long: bool,
    has_double: bool,
    count: u64,
}

impl Sum {
    /// Adds a number; other kinds are passed over.
    pub(crate) fn add(&mut self, view: &View<'_>) {
        match *view {
            View::Int32(number) => self.whole += i128::from(number),
            View::Int64(number) => {
                self.whole += i128::from(number);
                self.has_long = true;
            }
            View::Double(number) => {
                self.add_double(number);
                self.has_double = true;
            }
            View::Decimal128(bytes) => {
                self.decimal = Some(match self.decimal {
                    None => bytes,
                    Some(sum) => decimal::add(sum, bytes),
                });
            }
            _ => return,
        }
        self.count += 1;
    }

    /// Neumaier's summation.
    fn add_double(&mut self, number: f64) {
        let sum = self.double + number;
        if sum.is_finite() {
            self.lost += if self.double.abs() >= number.abs() {
                (self.double - sum) + number
            } else {
                (number - sum) + self.double
            };
        }
        self.double = sum;
    }

    fn as_double(&self) -> f64 {
        let mut all = self.clone();
        all.add_double(self.whole as f64);
        if all.double.is_finite() { all.double + all.lost } else { all.double }
    }

    fn as_decimal(&self, decimal_part: [u8; 16]) -> [u8; 16] {
        let whole = match i64::try_from(self.whole) {
            Ok(whole) => decimal::from_i64(whole),
            Err(_) => decimal::from_f64(self.whole as f64),
        };
        let sum = decimal::add(decimal_part, whole);
        if !self.has_double {
            return sum;
        }
        decimal::add(sum, decimal::from_f64(self.double + self.lost))
    }

    /// The sum in the widest kind seen; whole sums grow as needed.
    pub(crate) fn total(&self) -> Value {
        if let Some(decimal_part) = self.decimal {
            return Value::Decimal128(self.as_decimal(decimal_part));
        }
        if self.has_double {
            return Value::Double(self.as_double());
        }
        match (i32::try_from(self.whole), i64::try_from(self.whole)) {
            (Ok(sum), _) if !self.has_long => Value::Int32(sum),
            (_, Ok(sum)) => Value::Int64(sum),
            _ => Value::Double(self.whole as f64),
        }
    }

    /// The average of the numbers seen; null of none.
    pub(crate) fn average(&self) -> Value {
        if self.count == 0 {
            return Value::Null;
        }
        if let Some(decimal_part) = self.decimal {
            let count = decimal::from_i64(i64::try_from(self.count).unwrap_or(i64::MAX));
            return Value::Decimal128(decimal::divide(self.as_decimal(decimal_part), count));
        }
        Value::Double(self.as_double() / self.count as f64)
    }
}

/// A running deviation (Welford's algorithm).
#[derive(Debug, Clone, Default)]
pub(crate) struct Deviation {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Deviation {
    /// Adds a number; other kinds are passed over.
    pub(crate) fn add(&mut self, view: &View<'_>) {
        let Some(number) = Number::of(view) else { return };
        let number = number.as_f64();
        self.count += 1;
        let delta = number - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (number - self.mean);
    }

    pub(crate) fn of_population(&self) -> Value {
        match self.count {
            0 => Value::Null,
            count => Value::Double((self.squares / count as f64).sqrt()),
        }
    }

    pub(crate) fn of_sample(&self) -> Value {
        match self.count {
            0 | 1 => Value::Null,
            count => Value::Double((self.squares / (count - 1) as f64).sqrt()),
        }
    }
}
