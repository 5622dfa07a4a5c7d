//! Angles, in radians unless a name says degrees.

use super::arithmetic::{binary, double, unary};
use super::operator::{Operator, plain, wrong};
use super::scope::Found;
use crate::Error;

pub(crate) const OPERATORS: &[Operator] = &[
    plain("$acos", 1, 1, |operands, _| between("$acos", &operands[0], -1.0, 1.0, f64::acos)),
    plain("$acosh", 1, 1, |operands, _| {
        between("$acosh", &operands[0], 1.0, f64::INFINITY, f64::acosh)
    }),
    plain("$asin", 1, 1, |operands, _| between("$asin", &operands[0], -1.0, 1.0, f64::asin)),
    plain("$asinh", 1, 1, |operands, _| everywhere("$asinh", &operands[0], f64::asinh)),
    plain("$atan", 1, 1, |operands, _| everywhere("$atan", &operands[0], f64::atan)),
    plain("$atan2", 2, 2, |operands, _| {
        binary("$atan2", operands, |y, x| {
            let like = if x.is_decimal() { x } else { y };
            Ok(double(like, y.as_f64().atan2(x.as_f64())))
        })
    }),
    plain("$atanh", 1, 1, |operands, _| between("$atanh", &operands[0], -1.0, 1.0, f64::atanh)),
    plain("$cos", 1, 1, |operands, _| finite("$cos", &operands[0], f64::cos)),
    plain("$cosh", 1, 1, |operands, _| everywhere("$cosh", &operands[0], f64::cosh)),
    plain("$degreesToRadians", 1, 1, |operands, _| {
        everywhere("$degreesToRadians", &operands[0], f64::to_radians)
    }),
    plain("$radiansToDegrees", 1, 1, |operands, _| {
        everywhere("$radiansToDegrees", &operands[0], f64::to_degrees)
    }),
    plain("$sin", 1, 1, |operands, _| finite("$sin", &operands[0], f64::sin)),
    plain("$sinh", 1, 1, |operands, _| everywhere("$sinh", &operands[0], f64::sinh)),
    plain("$tan", 1, 1, |operands, _| finite("$tan", &operands[0], f64::tan)),
    plain("$tanh", 1, 1, |operands, _| everywhere("$tanh", &operands[0], f64::tanh)),
];

fn everywhere<'s>(
    operator: &str,
    operand: &Found<'s>,
    of: fn(f64) -> f64,
) -> Result<Found<'s>, Error> {
    unary(operator, operand, |number| Ok(double(number, of(number.as_f64()))))
}

fn between<'s>(
    operator: &str,
    operand: &Found<'s>,
    least: f64,
    most: f64,
    of: fn(f64) -> f64,
) -> Result<Found<'s>, Error> {
    unary(operator, operand, |number| {
        let angle = number.as_f64();
        if angle < least || angle > most {
            let (english, chinese) =
                (format!("a number from {least} to {most}"), format!("{least} 到 {most} 的数字"));
            return Err(wrong(operator, &english, &chinese));
        }
        Ok(double(number, of(angle)))
    })
}

fn finite<'s>(operator: &str, operand: &Found<'s>, of: fn(f64) -> f64) -> Result<Found<'s>, Error> {
    unary(operator, operand, |number| {
        if number.as_f64().is_infinite() {
            return Err(wrong(operator, "a finite number", "有限的数字"));
        }
        Ok(double(number, of(number.as_f64())))
    })
}
