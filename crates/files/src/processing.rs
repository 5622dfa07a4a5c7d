//! The image processing language of links, as far as it is understood here.
//!
//! ```text
//! …?imageMogr2/thumbnail/640x355/format/png      …?sign=…&t=…&imageView2/1/w/200/h/200
//! …?imageMogr2/auto-orient|imageMogr2/crop/300x300/gravity/center|imageInfo
//! ```
//!
//! Reading is all or nothing: one operator that is not known here makes the whole chain unknown,
//! and the original bytes are served, which is better than half of what was asked (protocol 04 §4).
//! Animations, watermarks, blur and rounded corners are not known.

use percent_encoding::percent_decode_str;

/// The longest side of a result, in pixels; larger wishes are unknown operators.
pub const SIDE_MAX: u32 = 9_999;

/// The most operators in one chain.
const STEPS_MAX: usize = 8;

/// What to make of a picture. Two texts that mean the same give equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processing {
    /// What happens to the pixels, in this order, after the EXIF orientation was applied.
    pub(crate) steps: Vec<Step>,
    /// The format of the result; `None` keeps the one of the original.
    pub(crate) format: Option<Format>,
    /// How well a JPEG is encoded.
    pub(crate) quality: Quality,
    /// Leave out the colour profile too. EXIF is always left out.
    pub(crate) strip: bool,
    /// Serve the original when something goes wrong.
    pub(crate) ignore_error: bool,
    /// Describe the result in JSON in place of returning it.
    pub(crate) info: bool,
}

/// One change of the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Scale to a size.
    Scale(Scale),
    /// Scale until width x height is covered, cut the middle out.
    Fill { width: u32, height: u32 },
    /// Like `Fill`, with the longer of the two along the longer side of the picture.
    FillEdges { long: u32, short: u32 },
    /// Cut out without scaling; a side that is not given stays whole.
    Crop { width: Option<u32>, height: Option<u32>, gravity: Gravity },
    /// Cut out at an offset from the upper left corner.
    Cut { width: u32, height: u32, x: u32, y: u32 },
    /// Turn clockwise by quarter turns (1 to 3).
    Turn(u8),
}

/// How large a picture becomes. Proportions are kept unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// `!50p`, `!50px`, `!x50p`: percent of width and of height.
    Percent { width: u32, height: u32 },
    /// `640x`
    Width(u32),
    /// `x355`
    Height(u32),
    /// `640x355`: not more than either.
    Inside { width: u32, height: u32 },
    /// `640x355>`: the same, but never larger than it was.
    Shrink { width: u32, height: u32 },
    /// `640x355<`: the same, but never smaller than it was.
    Enlarge { width: u32, height: u32 },
    /// `640x355r`: not less than either.
    Cover { width: u32, height: u32 },
    /// `640x355!`: exactly, proportions or not.
    Exact { width: u32, height: u32 },
    /// `150000@`: not more pixels than this; never larger than it was.
    Area(u32),
    /// Long and short edge not more than these; never larger than it was.
    EdgesInside { long: u32, short: u32 },
    /// Long and short edge not less than these.
    EdgesCover { long: u32, short: u32 },
}

/// Which part of the picture a crop keeps: 0, 1, 2 for start, middle, end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gravity {
    pub(crate) across: u8,
    pub(crate) down: u8,
}

/// A picture format that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    /// Written lossless.
    WebP,
    Gif,
    Bmp,
}

/// The quality of a JPEG, 1 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quality {
    /// As the original.
    #[default]
    Same,
    /// `quality/75`: this, but not better than the original.
    AtMost(u8),
    /// `quality/75!`: this.
    Exactly(u8),
    /// `rquality/60`: percent of the original's.
    Percent(u8),
    /// `lquality/80`: the original's, but not less than this.
    AtLeast(u8),
}

impl Processing {
    /// Finds the processing chain in the query of a link and reads it. `None` when there is none or
    /// when it is not wholly understood: serve the original bytes then.
    pub fn parse(query: &str) -> Option<Self> {
        let is_chain = |pair: &&str| {
            ["imageMogr2", "imageView2", "imageInfo"].iter().any(|name| pair.starts_with(name))
        };
        let chain = query.trim_start_matches('?').split('&').find(is_chain)?;
        let chain = percent_decode_str(chain).decode_utf8().ok()?;
        // Clients that build queries from pairs leave a '=' behind a name without value.
        let chain = chain.strip_suffix('=').unwrap_or(&chain);
        let mut processing = Self::default();
        for stage in chain.split('|') {
            if processing.info {
                return None; // Nothing comes after the description.
            }
            let mut words = stage.trim_end_matches('/').split('/');
            match words.next()? {
                "imageMogr2" => processing.read_mogr(&words.collect::<Vec<_>>())?,
                "imageView2" => processing.read_view(&words.collect::<Vec<_>>())?,
                "imageInfo" if words.next().is_none() => processing.info = true,
                _ => return None,
            }
        }
        (processing.steps.len() <= STEPS_MAX).then_some(processing)
    }

    /// Whether a failure means: serve the original.
    pub fn ignores_errors(&self) -> bool {
        self.ignore_error
    }

    fn read_mogr(&mut self, words: &[&str]) -> Option<()> {
        if words.is_empty() {
            return None;
        }
        let first_step = self.steps.len();
        let mut gravity = Gravity::default();
        let mut words = words.iter();
        while let Some(operator) = words.next() {
            match *operator {
                "auto-orient" => {} // The orientation is applied to every result.
                "strip" => self.strip = true,
                "thumbnail" => self.steps.push(Step::Scale(read_scale(words.next()?)?)),
                "crop" => {
                    let (width, height) = read_optional_sides(words.next()?)?;
                    self.steps.push(Step::Crop { width, height, gravity });
                }
                "cut" => self.steps.push(read_cut(words.next()?)?),
                "scrop" => {
                    let (width, height) = read_sides(words.next()?)?;
                    self.steps.push(Step::Fill { width, height });
                }
                "rotate" => match read_number(words.next()?, 0, 360)? {
                    0 | 360 => {}
                    90 => self.steps.push(Step::Turn(1)),
                    180 => self.steps.push(Step::Turn(2)),
                    270 => self.steps.push(Step::Turn(3)),
                    _ => return None,
                },
                "gravity" => gravity = read_gravity(words.next()?)?,
                "format" => self.format = Some(read_format(words.next()?)?),
                "quality" | "rquality" | "lquality" => {
                    self.quality = read_quality(operator, words.next()?)?;
                }
                "interlace" => drop(read_number(words.next()?, 0, 1)?),
                "ignore-error" => self.ignore_error = read_number(words.next()?, 0, 1)? == 1,
                _ => return None,
            }
        }
        // Gravity is a setting of the whole stage, wherever it stands.
        for step in &mut self.steps[first_step..] {
            if let Step::Crop { gravity: place, .. } = step {
                *place = gravity;
            }
        }
        Some(())
    }

    fn read_view(&mut self, words: &[&str]) -> Option<()> {
        let (mode, settings) = words.split_first()?;
        let (mut width, mut height) = (None, None);
        if settings.len() % 2 != 0 {
            return None;
        }
        for setting in settings.chunks_exact(2) {
            let value = setting[1];
            match setting[0] {
                "w" => width = Some(read_number(value, 1, SIDE_MAX)?),
                "h" => height = Some(read_number(value, 1, SIDE_MAX)?),
                "format" => self.format = Some(read_format(value)?),
                "q" => self.quality = read_quality("quality", value)?,
                "rq" => self.quality = read_quality("rquality", value)?,
                "lq" => self.quality = read_quality("lquality", value)?,
                "interlace" => drop(read_number(value, 0, 1)?),
                "ignore-error" => self.ignore_error = read_number(value, 0, 1)? == 1,
                _ => return None,
            }
        }
        // One side alone: unlimited for the modes that fit inside, a square for the others.
        let first = width.or(height)?;
        let open = |side: Option<u32>| side.unwrap_or(u32::MAX);
        let (square_w, square_h) = (width.unwrap_or(first), height.unwrap_or(first));
        self.steps.push(match *mode {
            "0" => Step::Scale(Scale::EdgesInside { long: open(width), short: open(height) }),
            "1" => Step::Fill { width: square_w, height: square_h },
            "2" => Step::Scale(Scale::Shrink { width: open(width), height: open(height) }),
            "3" => Step::Scale(Scale::Cover { width: square_w, height: square_h }),
            "4" => Step::Scale(Scale::EdgesCover { long: square_w, short: square_h }),
            "5" => Step::FillEdges { long: square_w, short: square_h },
            _ => return None,
        });
        Some(())
    }
}

/// Digits only, within `min..=max`.
fn read_number(text: &str, min: u32, max: u32) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok()? } else { return None };
    (min..=max).contains(&number).then_some(number)
}

fn read_sides(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((read_number(width, 1, SIDE_MAX)?, read_number(height, 1, SIDE_MAX)?))
}

/// `640x355`, `640x` or `x355`.
fn read_optional_sides(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| match text {
        "" => Some(None),
        text => read_number(text, 1, SIDE_MAX).map(Some),
    };
    let sides = (side(width)?, side(height)?);
    (sides != (None, None)).then_some(sides)
}

fn read_cut(text: &str) -> Option<Step> {
    let numbers: Vec<&str> = text.split('x').collect();
    let [width, height, x, y] = numbers[..] else { return None };
    Some(Step::Cut {
        width: read_number(width, 1, SIDE_MAX)?,
        height: read_number(height, 1, SIDE_MAX)?,
        x: read_number(x, 0, u32::MAX)?,
        y: read_number(y, 0, u32::MAX)?,
    })
}

fn read_scale(text: &str) -> Option<Scale> {
    let percent = |text: &str| read_number(text, 1, 1_000);
    if let Some(area) = text.strip_suffix('@') {
        return Some(Scale::Area(read_number(area, 1, SIDE_MAX * SIDE_MAX)?));
    }
    if let Some(rest) = text.strip_prefix('!') {
        // `!640x355r` is how the manual writes `640x355r`.
        if let Some(sides) = rest.strip_suffix('r') {
            let (width, height) = read_sides(sides)?;
            return Some(Scale::Cover { width, height });
        }
        if let Some(height) = rest.strip_prefix('x') {
            return Some(Scale::Percent {
                width: 100,
                height: percent(height.strip_suffix('p')?)?,
            });
        }
        if let Some(width) = rest.strip_suffix("px") {
            return Some(Scale::Percent { width: percent(width)?, height: 100 });
        }
        let both = percent(rest.strip_suffix('p')?)?;
        return Some(Scale::Percent { width: both, height: both });
    }
    if let Some(sides) = text.strip_suffix(['!', 'r', '>', '<']) {
        let (width, height) = read_sides(sides)?;
        return Some(match text.as_bytes().last()? {
            b'!' => Scale::Exact { width, height },
            b'r' => Scale::Cover { width, height },
            b'>' => Scale::Shrink { width, height },
            _ => Scale::Enlarge { width, height },
        });
    }
    Some(match read_optional_sides(text)? {
        (Some(width), Some(height)) => Scale::Inside { width, height },
        (Some(width), None) => Scale::Width(width),
        (None, Some(height)) => Scale::Height(height),
        (None, None) => return None,
    })
}

fn read_gravity(text: &str) -> Option<Gravity> {
    let (across, down) = match text.to_ascii_lowercase().as_str() {
        "northwest" => (0, 0),
        "north" => (1, 0),
        "northeast" => (2, 0),
        "west" => (0, 1),
        "center" => (1, 1),
        "east" => (2, 1),
        "southwest" => (0, 2),
        "south" => (1, 2),
        "southeast" => (2, 2),
        _ => return None,
    };
    Some(Gravity { across, down })
}

fn read_format(text: &str) -> Option<Format> {
    Some(match text.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => Format::Jpeg,
        "png" => Format::Png,
        "webp" => Format::WebP,
        "gif" => Format::Gif,
        "bmp" => Format::Bmp,
        _ => return None,
    })
}

fn read_quality(operator: &str, text: &str) -> Option<Quality> {
    let (number, forced) = match text.strip_suffix('!') {
        Some(number) => (number, true),
        None => (text, false),
    };
    let number = u8::try_from(read_number(number, 0, 100)?.max(1)).ok()?;
    Some(match (operator, forced) {
        ("quality", false) => Quality::AtMost(number),
        ("quality", true) => Quality::Exactly(number),
        ("rquality", _) => Quality::Percent(number),
        _ => Quality::AtLeast(number),
    })
}
