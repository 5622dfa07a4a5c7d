//! Sizes and areas: what part of a picture a step keeps and how large it becomes. Pure arithmetic.

use image::{DynamicImage, GenericImageView as _, metadata::Orientation};

use crate::{
    Error,
    processing::{Gravity, SIDE_MAX, Scale, Step},
};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    pub(crate) fn of(pixels: &DynamicImage) -> Self {
        let (width, height) = pixels.dimensions();
        Self { width, height }
    }

    /// The size after the orientation is applied; its own inverse.
    pub(crate) fn turned(self, orientation: Orientation) -> Self {
        match orientation {
            Orientation::NoTransforms
            | Orientation::Rotate180
            | Orientation::FlipHorizontal
            | Orientation::FlipVertical => self,
            Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => Self { width: self.height, height: self.width },
        }
    }
}

/// A part of a picture, in pixels, not necessarily whole ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    pub(crate) fn whole(size: Size) -> Self {
        Self { left: 0.0, top: 0.0, width: f64::from(size.width), height: f64::from(size.height) }
    }

    /// Whether cutting this out gives exactly `size`, without scaling.
    pub(crate) fn is_exact(&self, size: Size) -> bool {
        let whole = |number: f64| number.fract() == 0.0;
        whole(self.left)
            && whole(self.top)
            && self.width == f64::from(size.width)
            && self.height == f64::from(size.height)
    }

    pub(crate) fn corner(&self) -> (u32, u32) {
        (round(self.left), round(self.top))
    }
}

/// What a step keeps and how large that becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) keep: Area,
    pub(crate) size: Size,
}

/// Plans a step for a picture of the size in which it is seen. Turning is not planned here.
///
/// A crop larger than the picture keeps the picture; a cut that lies outside it is an error.
pub(crate) fn plan(step: &Step, seen: Size) -> Result<Plan, Error> {
    let whole = Area::whole(seen);
    Ok(match *step {
        Step::Scale(scale) => Plan { keep: whole, size: scaled(scale, seen)? },
        Step::Turn(_) => Plan { keep: whole, size: seen },
        Step::Fill { width, height } => fill(Size { width, height }, seen),
        Step::FillEdges { long, short } => fill(along(long, short, seen), seen),
        Step::Crop { width, height, gravity } => {
            let width = width.unwrap_or(seen.width).min(seen.width);
            let height = height.unwrap_or(seen.height).min(seen.height);
            cut(Size { width, height }, placed(gravity, seen, Size { width, height }))
        }
        Step::Cut { width, height, x, y } => {
            if x >= seen.width || y >= seen.height {
                let reason = format!("the cut begins outside of {}x{}", seen.width, seen.height);
                return Err(Error::NotAPicture(reason));
            }
            let size =
                Size { width: width.min(seen.width - x), height: height.min(seen.height - y) };
            cut(size, (x, y))
        }
    })
}

fn cut(size: Size, (x, y): (u32, u32)) -> Plan {
    let keep = Area { left: f64::from(x), top: f64::from(y), ..Area::whole(size) };
    Plan { keep, size }
}

fn placed(gravity: Gravity, outer: Size, inner: Size) -> (u32, u32) {
    let place = |third: u8, outer: u32, inner: u32| match third {
        0 => 0,
        1 => (outer - inner) / 2,
        _ => outer - inner,
    };
    (
        place(gravity.across, outer.width, inner.width),
        place(gravity.down, outer.height, inner.height),
    )
}

/// Scales until `size` is covered and keeps the middle.
fn fill(size: Size, seen: Size) -> Plan {
    let (width, height) = (f64::from(seen.width), f64::from(seen.height));
    let factor = (f64::from(size.width) / width).max(f64::from(size.height) / height);
    // `min` takes back what rounding may have added.
    let keep_width = (f64::from(size.width) / factor).min(width);
    let keep_height = (f64::from(size.height) / factor).min(height);
    let keep = Area {
        left: (width - keep_width) / 2.0,
        top: (height - keep_height) / 2.0,
        width: keep_width,
        height: keep_height,
    };
    Plan { keep, size }
}

/// Long and short edge as width and height of a picture that lies like this one.
fn along(long: u32, short: u32, seen: Size) -> Size {
    if seen.width >= seen.height {
        Size { width: long, height: short }
    } else {
        Size { width: short, height: long }
    }
}

fn scaled(scale: Scale, seen: Size) -> Result<Size, Error> {
    let (width, height) = (f64::from(seen.width), f64::from(seen.height));
    let by = |across: f64, down: f64| sized(width * across, height * down);
    let ratios = |size: Size| (f64::from(size.width) / width, f64::from(size.height) / height);
    let inside = |size: Size, min: f64, max: f64| {
        let (across, down) = ratios(size);
        let factor = across.min(down).clamp(min, max);
        by(factor, factor)
    };
    let cover = |size: Size| {
        let (across, down) = ratios(size);
        by(across.max(down), across.max(down))
    };
    match scale {
        Scale::Percent { width, height } => by(f64::from(width) / 100.0, f64::from(height) / 100.0),
        Scale::Width(wanted) => inside(Size { width: wanted, height: u32::MAX }, 0.0, f64::MAX),
        Scale::Height(wanted) => inside(Size { width: u32::MAX, height: wanted }, 0.0, f64::MAX),
        Scale::Inside { width, height } => inside(Size { width, height }, 0.0, f64::MAX),
        Scale::Shrink { width, height } => inside(Size { width, height }, 0.0, 1.0),
        Scale::Enlarge { width, height } => inside(Size { width, height }, 1.0, f64::MAX),
        Scale::Cover { width, height } => cover(Size { width, height }),
        Scale::Exact { width, height } => Ok(Size { width, height }),
        Scale::Area(pixels) => {
            let factor = (f64::from(pixels) / (width * height)).sqrt().min(1.0);
            // Rounded down, or the area could come out larger than allowed.
            sized((width * factor).floor(), (height * factor).floor())
        }
        Scale::EdgesInside { long, short } => inside(along(long, short, seen), 0.0, 1.0),
        Scale::EdgesCover { long, short } => cover(along(long, short, seen)),
    }
}

/// A computed size: at least one pixel each way, at most [`SIDE_MAX`].
fn sized(width: f64, height: f64) -> Result<Size, Error> {
    let size = Size { width: round(width).max(1), height: round(height).max(1) };
    if size.width > SIDE_MAX || size.height > SIDE_MAX {
        let (width, height) = (u64::from(size.width), u64::from(size.height));
        return Err(Error::PictureTooLarge { width, height });
    }
    Ok(size)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn round(number: f64) -> u32 {
    number.round().clamp(0.0, f64::from(u32::MAX)) as u32
}
