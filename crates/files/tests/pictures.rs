//! Image variants: sizes, orientation, formats, what is refused, and what is kept.

#![allow(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::{io::Cursor, sync::Arc};

use files::{Error, FileRecord, Processing};
use image::{DynamicImage, ImageFormat, ImageReader, Rgb, RgbImage, Rgba, RgbaImage};
use support::{Room, encode, plain, with_exif};

fn parse(query: &str) -> Processing {
    Processing::parse(query).unwrap_or_else(|| panic!("not understood: {query}"))
}

async fn bytes_of(room: &Room, record: &FileRecord, query: &str) -> Vec<u8> {
    let variant = room.files.variant(record, &parse(query)).await;
    let variant = variant.unwrap_or_else(|error| panic!("{query}: {error}"));
    let bytes = std::fs::read(&variant.path).unwrap();
    assert_eq!(variant.size, bytes.len() as u64);
    bytes
}

fn decode(bytes: &[u8]) -> DynamicImage {
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().decode().unwrap()
}

#[tokio::test]
async fn sizes_follow_the_table() {
    let room = Room::open().await;
    let wide = room.put("wide.png", &plain(1000, 500, ImageFormat::Png)).await;
    let tall = room.put("tall.png", &plain(500, 1000, ImageFormat::Png)).await;
    // query, size from 1000x500, size from 500x1000
    for (query, from_wide, from_tall) in [
        ("imageMogr2/thumbnail/!20p", (200, 100), (100, 200)),
        ("imageMogr2/thumbnail/!200p", (2000, 1000), (1000, 2000)),
        ("imageMogr2/thumbnail/!50px", (500, 500), (250, 1000)),
        ("imageMogr2/thumbnail/!x50p", (1000, 250), (500, 500)),
        ("imageMogr2/thumbnail/640x", (640, 320), (640, 1280)),
        ("imageMogr2/thumbnail/x355", (710, 355), (178, 355)),
        ("imageMogr2/thumbnail/640x355", (640, 320), (178, 355)),
        ("imageMogr2/thumbnail/2000x2000", (2000, 1000), (1000, 2000)),
        ("imageMogr2/thumbnail/2000x2000%3E", (1000, 500), (500, 1000)),
        ("imageMogr2/thumbnail/100x100>", (100, 50), (50, 100)),
        ("imageMogr2/thumbnail/100x100<", (1000, 500), (500, 1000)),
        ("imageMogr2/thumbnail/2000x2000<", (2000, 1000), (1000, 2000)),
        ("imageMogr2/thumbnail/640x355r", (710, 355), (640, 1280)),
        ("imageMogr2/thumbnail/!640x355r", (710, 355), (640, 1280)),
        ("imageMogr2/thumbnail/640x355!", (640, 355), (640, 355)),
        ("imageMogr2/thumbnail/640x355%21", (640, 355), (640, 355)),
        ("imageMogr2/thumbnail/150000@", (547, 273), (273, 547)),
        ("imageMogr2/thumbnail/90000000@", (1000, 500), (500, 1000)),
        ("imageMogr2/thumbnail/1x", (1, 1), (1, 2)),
        ("imageMogr2/crop/300x400", (300, 400), (300, 400)),
        ("imageMogr2/crop/300x", (300, 500), (300, 1000)),
        ("imageMogr2/crop/x400", (1000, 400), (500, 400)),
        ("imageMogr2/crop/800x800/gravity/center", (800, 500), (500, 800)),
        ("imageMogr2/cut/600x600x100x10", (600, 490), (400, 600)),
        ("imageMogr2/scrop/300x300", (300, 300), (300, 300)),
        ("imageMogr2/rotate/90", (500, 1000), (1000, 500)),
        ("imageMogr2/rotate/180", (1000, 500), (500, 1000)),
        ("imageMogr2/rotate/270/thumbnail/100x", (100, 200), (100, 50)),
        ("imageMogr2/thumbnail/100x/rotate/90", (50, 100), (200, 100)),
        ("imageMogr2/thumbnail/100x|imageMogr2/rotate/90", (50, 100), (200, 100)),
        ("imageMogr2/auto-orient/strip/interlace/1/quality/80", (1000, 500), (500, 1000)),
        ("imageView2/0/w/600/h/200", (400, 200), (200, 400)),
        ("imageView2/0/w/600", (600, 300), (300, 600)),
        ("imageView2/0/h/200", (400, 200), (200, 400)),
        ("imageView2/1/w/500/h/400", (500, 400), (500, 400)),
        ("imageView2/1/w/200", (200, 200), (200, 200)),
        ("imageView2/2/w/500/h/400", (500, 250), (200, 400)),
        ("imageView2/2/h/250/q/80", (500, 250), (125, 250)),
        ("imageView2/2/w/5000", (1000, 500), (500, 1000)),
        ("imageView2/3/w/500/h/400", (800, 400), (500, 1000)),
        ("imageView2/3/w/400", (800, 400), (400, 800)),
        ("imageView2/4/w/600/h/400", (800, 400), (400, 800)),
        ("imageView2/5/w/300/h/200", (300, 200), (200, 300)),
        ("sign=ab&t=1&imageMogr2/thumbnail/100x", (100, 50), (100, 200)),
        ("?imageMogr2/thumbnail/100x=", (100, 50), (100, 200)),
    ] {
        for (record, expected) in [(&wide, from_wide), (&tall, from_tall)] {
            let made = decode(&bytes_of(&room, record, query).await);
            assert_eq!((made.width(), made.height()), expected, "{query} of {}", record.path);
        }
    }
}

#[test]
fn what_is_not_understood_is_not_processed() {
    for query in [
        "",
        "sign=a&t=1",
        "imageMogr2",
        "imageMogr2/",
        "imageMogr2/thumbnail",
        "imageMogr2/thumbnail/x",
        "imageMogr2/thumbnail/0x",
        "imageMogr2/thumbnail/-1x",
        "imageMogr2/thumbnail/10000x",
        "imageMogr2/thumbnail/!1001p",
        "imageMogr2/thumbnail/100x100x",
        "imageMogr2/thumbnail/99999999999999999999x",
        "imageMogr2/thumbnail/100x/blur/8x5",
        "imageMogr2/format/heif",
        "imageMogr2/rotate/45",
        "imageMogr2/cut/1x2x3",
        "imageMogr2/gravity/middle",
        "imageMogr2/quality/101",
        "imageView2/6/w/100",
        "imageView2/1",
        "imageView2/1/w",
        "imageView2/1/x/100",
        "watermark/2/text/aGVsbG8",
        "imageMogr2/thumbnail/100x|watermark/2/text/aGVsbG8",
        "imageInfo|imageMogr2/thumbnail/100x",
        "imageMogr2/strip/thumbnail/%FF",
    ] {
        assert_eq!(Processing::parse(query), None, "{query}");
    }
    let chain = |steps: usize| format!("imageMogr2{}", "/rotate/90".repeat(steps));
    assert!(Processing::parse(&chain(8)).is_some());
    assert_eq!(Processing::parse(&chain(9)), None, "no picture needs that many steps");
}

const RED: [u8; 3] = [250, 10, 10];
const GREEN: [u8; 3] = [10, 250, 10];
const BLUE: [u8; 3] = [10, 10, 250];
const WHITE: [u8; 3] = [250, 250, 250];

/// Red, green above blue, white.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

/// The colours in the middle of the four quarters, row by row.
fn corners(picture: &DynamicImage) -> [[u8; 3]; 4] {
    let picture = picture.to_rgb8();
    let (w, h) = picture.dimensions();
    let near = |x: u32, y: u32| {
        let pixel = picture.get_pixel(x, y).0;
        let far = |color: &[u8; 3]| {
            color.iter().zip(pixel).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>()
        };
        [RED, GREEN, BLUE, WHITE].into_iter().min_by_key(far).unwrap()
    };
    [near(w / 4, h / 4), near(w * 3 / 4, h / 4), near(w / 4, h * 3 / 4), near(w * 3 / 4, h * 3 / 4)]
}

/// How an upright picture is stored under an EXIF orientation, by the definition of the standard:
/// which side of the scene row 0 and column 0 are.
fn stored(upright: &RgbImage, orientation: u16) -> RgbImage {
    let (w, h) = upright.dimensions();
    let turned = orientation >= 5;
    let (width, height) = if turned { (h, w) } else { (w, h) };
    RgbImage::from_fn(width, height, |column, row| {
        let (x, y) = match orientation {
            1 => (column, row),
            2 => (w - 1 - column, row),
            3 => (w - 1 - column, h - 1 - row),
            4 => (column, h - 1 - row),
            5 => (row, column),
            6 => (w - 1 - row, column),
            7 => (w - 1 - row, h - 1 - column),
            _ => (row, h - 1 - column),
        };
        *upright.get_pixel(x, y)
    })
}

#[tokio::test]
async fn every_variant_stands_upright_and_carries_no_exif() {
    let room = Room::open().await;
    let upright = quarters(160, 80);
    for orientation in 1..=8 {
        let jpeg = encode(&stored(&upright, orientation), ImageFormat::Jpeg);
        let original = with_exif(&jpeg, orientation);
        let record = room.put(&format!("{orientation}.jpg"), &original).await;
        for (query, width, height, expected) in [
            ("imageMogr2/auto-orient", 160, 80, [RED, GREEN, BLUE, WHITE]),
            ("imageMogr2/thumbnail/80x", 80, 40, [RED, GREEN, BLUE, WHITE]),
            ("imageMogr2/thumbnail/40x40!/format/png", 40, 40, [RED, GREEN, BLUE, WHITE]),
            ("imageMogr2/rotate/90", 80, 160, [BLUE, RED, WHITE, GREEN]),
            ("imageMogr2/crop/80x40", 80, 40, [RED; 4]),
            ("imageMogr2/gravity/southeast/crop/80x40", 80, 40, [WHITE; 4]),
            ("imageMogr2/cut/80x40x80x0", 80, 40, [GREEN; 4]),
            ("imageView2/1/w/40/h/40", 40, 40, [RED, GREEN, BLUE, WHITE]),
        ] {
            let bytes = bytes_of(&room, &record, query).await;
            let made = decode(&bytes);
            let size = (made.width(), made.height());
            assert_eq!(size, (width, height), "orientation {orientation} {query}");
            assert_eq!(corners(&made), expected, "orientation {orientation} {query}");
            assert!(!bytes.windows(4).any(|w| w == b"Exif"), "orientation {orientation} {query}");
        }
        assert_eq!(room.read(&record.path).await.unwrap(), original, "the original is as it was");
    }
}

#[tokio::test]
async fn a_crop_lies_where_gravity_says() {
    let room = Room::open().await;
    let record = room.put("q.png", &encode(&quarters(80, 80), ImageFormat::Png)).await;
    for (gravity, expected) in [
        ("northwest", [RED; 4]),
        ("northeast", [GREEN; 4]),
        ("southwest", [BLUE; 4]),
        ("southeast", [WHITE; 4]),
        ("center", [RED, GREEN, BLUE, WHITE]),
        ("north", [RED, GREEN, RED, GREEN]),
        ("south", [BLUE, WHITE, BLUE, WHITE]),
        ("west", [RED, RED, BLUE, BLUE]),
        ("east", [GREEN, GREEN, WHITE, WHITE]),
    ] {
        let query = format!("imageMogr2/crop/40x40/gravity/{gravity}");
        assert_eq!(
            corners(&decode(&bytes_of(&room, &record, &query).await)),
            expected,
            "{gravity}"
        );
    }
}

#[tokio::test]
async fn formats_are_changed_and_kept() {
    let room = Room::open().await;
    for (name, format) in [
        ("jpeg", ImageFormat::Jpeg),
        ("png", ImageFormat::Png),
        ("gif", ImageFormat::Gif),
        ("webp", ImageFormat::WebP),
        ("bmp", ImageFormat::Bmp),
    ] {
        // Without an extension and with no type given, the bytes tell.
        let record = room.put(name, &encode(&quarters(64, 64), format)).await;
        assert_eq!(record.content_type, format!("image/{name}"));
        for (query, expected) in [
            ("imageMogr2/thumbnail/32x", name),
            ("imageMogr2/format/jpg", "jpeg"),
            ("imageMogr2/thumbnail/32x/format/PNG", "png"),
            ("imageView2/2/w/32/format/webp", "webp"),
            ("imageMogr2/format/gif", "gif"),
            ("imageMogr2/format/bmp", "bmp"),
        ] {
            let variant = room.files.variant(&record, &parse(query)).await.unwrap();
            assert_eq!(variant.content_type, format!("image/{expected}"), "{name} {query}");
            let made = decode(&std::fs::read(variant.path).unwrap());
            assert_eq!(corners(&made), [RED, GREEN, BLUE, WHITE], "{name} {query}");
        }
    }
}

#[tokio::test]
async fn transparency_is_kept_or_becomes_white() {
    let room = Room::open().await;
    let clear = RgbaImage::from_pixel(50, 50, Rgba([0, 0, 0, 0]));
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(clear).write_to(&mut png, ImageFormat::Png).unwrap();
    let record = room.put("clear.png", png.get_ref()).await;
    let kept = decode(&bytes_of(&room, &record, "imageMogr2/thumbnail/20x").await).to_rgba8();
    assert_eq!(kept.get_pixel(5, 5).0[3], 0);
    let flat = bytes_of(&room, &record, "imageMogr2/thumbnail/20x/format/jpg").await;
    assert_eq!(corners(&decode(&flat)), [WHITE; 4]);
}

#[tokio::test]
async fn quality_is_absolute_relative_or_least() {
    let room = Room::open().await;
    let noise = RgbImage::from_fn(256, 256, |x, y| {
        let mix = x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ (x * y);
        Rgb([(mix >> 3) as u8, (mix >> 9) as u8, (mix >> 5) as u8])
    });
    let mut original = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut original, 60);
    DynamicImage::ImageRgb8(noise).write_with_encoder(encoder).unwrap();
    let record = room.put("noise.jpg", &original).await;
    let size = async |setting: &str| {
        bytes_of(&room, &record, &format!("imageMogr2/auto-orient{setting}")).await.len()
    };
    let same = size("").await;
    // Equal settings encode equal pixels to equal bytes, so sizes can be compared exactly.
    for (setting, equals) in [
        ("/quality/60", same),
        ("/quality/95", same),
        ("/lquality/40", same),
        ("/rquality/100", same),
        ("/rquality/50", size("/quality/30").await),
        ("/lquality/80", size("/quality/80!").await),
    ] {
        assert_eq!(size(setting).await, equals, "{setting}");
    }
    assert!(size("/quality/30").await < same);
    assert!(size("/quality/95!").await > same);
}

#[tokio::test]
async fn a_description_is_json() {
    let room = Room::open().await;
    let jpeg = encode(&RgbImage::from_pixel(64, 32, Rgb([255, 0, 0])), ImageFormat::Png);
    let record = room.put("red.png", &jpeg).await;
    for (query, width, height) in
        [("imageInfo", "64", "32"), ("imageMogr2/thumbnail/16x/rotate/90|imageInfo", "8", "16")]
    {
        let variant = room.files.variant(&record, &parse(query)).await.unwrap();
        assert_eq!(variant.content_type, "application/json");
        let bytes = std::fs::read(&variant.path).unwrap();
        let info: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(info["format"], "png");
        assert_eq!((&info["width"], &info["height"]), (&width.into(), &height.into()), "{query}");
        assert_eq!(info["photo_rgb"], "0xff0000");
        if query == "imageInfo" {
            assert_eq!(info["md5"], record.md5);
            assert_eq!(info["size"], record.size.to_string());
        }
    }
}

/// A PNG whose header promises a size that its few bytes never hold.
fn png_bomb(side: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(side.to_be_bytes());
    header.extend(side.to_be_bytes());
    header.extend([8, 6, 0, 0, 0]);
    let mut crc = u32::MAX;
    for byte in &header {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0D".to_vec();
    png.extend(header);
    png.extend((!crc).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xAF\x06\x1E");
    png
}

fn jpeg_bomb() -> Vec<u8> {
    let mut jpeg = plain(16, 16, ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    jpeg
}

#[tokio::test]
async fn what_cannot_be_made_is_refused_or_served_as_it_is() {
    let room = Room::open().await;
    let picture = plain(400, 300, ImageFormat::Png);
    let mut gif = plain(16, 16, ImageFormat::Gif);
    gif[6..10].fill(0xFF);
    for (name, bytes, query, too_large) in [
        ("png bomb", png_bomb(60_000), "thumbnail/100x", true),
        ("jpeg bomb", jpeg_bomb(), "thumbnail/100x", true),
        ("gif bomb", gif, "thumbnail/100x", true),
        ("blown up", picture.clone(), "thumbnail/9999x9999!", true),
        ("blown up by percent", plain(2000, 20, ImageFormat::Png), "thumbnail/!1000p", true),
        ("cut outside", picture.clone(), "cut/10x10x400x0", false),
        ("text", b"hello".to_vec(), "thumbnail/100x", false),
        ("nothing", Vec::new(), "thumbnail/100x", false),
        ("half a PNG", picture[..picture.len() / 2].to_vec(), "thumbnail/100x", false),
        ("a JPEG header", plain(64, 64, ImageFormat::Jpeg)[..40].to_vec(), "thumbnail/9x", false),
        ("JPEG noise", [&[0xFF, 0xD8, 0xFF][..], &[0x5A; 4000]].concat(), "thumbnail/9x", false),
        ("JPEG markers", [0xFF, 0xD8, 0xFF, 0xD0].repeat(4000), "thumbnail/9x", false),
        ("zero length", vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 0, 0, 0], "thumbnail/9x", false),
    ] {
        let record = room.put(&format!("{name}.jpg"), &bytes).await;
        let query = format!("imageMogr2/{query}");
        let error = room.files.variant(&record, &parse(&query)).await.unwrap_err();
        match error {
            Error::PictureTooLarge { .. } => assert!(too_large, "{name}"),
            Error::NotAPicture(_) => assert!(!too_large, "{name}"),
            other => panic!("{name}: {other}"),
        }
        let instead =
            room.files.variant(&record, &parse(&format!("{query}/ignore-error/1"))).await.unwrap();
        assert_eq!(std::fs::read(&instead.path).unwrap(), bytes, "{name}");
        assert_eq!(
            (instead.content_type, instead.etag),
            (record.content_type.clone(), record.etag())
        );
    }
    assert!(room.on_disk("temp").is_empty());
    assert!(room.on_disk("variants").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_variant_is_made_once_and_goes_with_its_blob() {
    let room = Arc::new(Room::open().await);
    let record = room.put("a.jpg", &plain(600, 400, ImageFormat::Jpeg)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..16 {
        let (room, record) = (Arc::clone(&room), record.clone());
        // Two spellings of the same wish.
        let query = ["imageMogr2/thumbnail/60x|imageMogr2/strip", "imageMogr2/strip/thumbnail/60x"]
            [index % 2];
        tasks.spawn(async move { room.files.variant(&record, &parse(query)).await.unwrap() });
    }
    let made = tasks.join_all().await;
    assert!(made.iter().all(|variant| *variant == made[0]));
    assert_eq!(room.on_disk("variants"), [made[0].path.clone()]);

    room.put("b.jpg", &plain(600, 400, ImageFormat::Jpeg)).await;
    room.files.delete("a.jpg").await.unwrap();
    assert_eq!(room.on_disk("variants").len(), 1, "b is the same blob");
    room.files.delete("b.jpg").await.unwrap();
    assert!(room.on_disk("variants").is_empty());
    let gone = room.files.variant(&record, &parse("imageMogr2/thumbnail/50x")).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)), "{gone}");
    assert!(room.on_disk("variants").is_empty());
}

#[tokio::test]
async fn a_blob_keeps_a_bounded_number_of_variants() {
    let room = Room::open().await;
    let record = room.put("a.png", &plain(90, 90, ImageFormat::Png)).await;
    for width in 1..=80 {
        let query = format!("imageMogr2/thumbnail/{width}x");
        let made = decode(&bytes_of(&room, &record, &query).await);
        assert_eq!(made.width(), width);
    }
    assert_eq!(room.on_disk("variants").len(), 64);
}
