//! What is refused about a function's name and settings before anything is read.

use std::path::Path;

use crate::error::Error;
use crate::settings::Settings;

/// The Node.js runtimes that the vendor names (protocol 02 §5.1), newest first.
const RUNTIMES: &[&str] = &[
    "Nodejs24.11",
    "Nodejs22.21",
    "Nodejs20.19",
    "Nodejs18.15",
    "Nodejs16.13",
    "Nodejs14.18",
    "Nodejs12.16",
    "Nodejs10.15",
    "Nodejs8.9",
];

/// The file of a handler and the export in it.
pub(crate) fn split_handler(handler: &str) -> Option<(&str, &str)> {
    let (file, export) = handler.rsplit_once('.')?;
    let inside =
        Path::new(file).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    (inside && !file.is_empty() && !export.is_empty()).then_some((file, export))
}

pub(super) fn bad_handler(handler: &str) -> Error {
    Error::MendPackage(format!(
        "\"{handler}\" is not a handler; write FILE.EXPORT with a file of the package, such as \
         index.main. / \
         入口“{handler}”格式不正确,应为“文件.导出名”,例如 index.main。"
    ))
}

/// Names the vendor allows too (protocol 02 §5.3), and nothing that could be a path.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let mut letters = name.chars();
    let fine = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        && name.len() <= 60;
    if fine {
        return Ok(());
    }
    Err(Error::MendPackage(format!(
        "{name:?} is not a function name: begin with a letter, then letters, digits, - and _, at \
         most 60. / \
         云函数名 {name:?} 不合法:以字母开头,仅含字母、数字、- 和 _,最长 60 个字符。"
    )))
}

pub(super) fn check_settings(settings: &Settings) -> Result<(), Error> {
    if split_handler(&settings.handler).is_none() {
        return Err(bad_handler(&settings.handler));
    }
    if !(1..=900_000).contains(&settings.timeout_ms) {
        return Err(Error::MendPackage(format!(
            "A timeout of {} ms is outside 1..900,000. / 超时时间 {} 毫秒超出范围(1 至 900000)。",
            settings.timeout_ms, settings.timeout_ms
        )));
    }
    if !(64..=8192).contains(&settings.memory_mb) {
        return Err(Error::MendPackage(format!(
            "{} MB of memory is outside 64..8,192. / 内存 {} MB 超出范围(64 至 8192)。",
            settings.memory_mb, settings.memory_mb
        )));
    }
    settings.network.check().map_err(Error::MendPackage)?;
    runtime_major(settings.runtime.as_deref())?;
    for (name, value) in &settings.variables {
        let fine = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
            && !value.contains('\0');
        if !fine {
            return Err(Error::MendPackage(format!(
                "{name:?} is not a variable name: begin with a letter, then letters, digits and \
                 _. / \
                 环境变量名 {name:?} 不合法:以字母开头,仅含字母、数字和 _。"
            )));
        }
    }
    Ok(())
}

/// What a developer should know about settings that are fine.
pub(super) fn remark(settings: &Settings) -> Option<String> {
    settings.network.direct.then(|| {
        "network.direct: its workers use the network of the machine themselves. Closed addresses and \
         the lists are kept inside Node only, not for native addons and programs it starts. / \
         network.direct:工作进程直接使用本机网络,地址限制仅在 Node 内生效,对原生扩展和其启动的程序无效。"
            .to_owned()
    })
}

/// The major version of Node.js that a runtime name asks for. The vendor's minor versions are not
/// told apart: what runs is a version of this machine.
pub(super) fn runtime_major(runtime: Option<&str>) -> Result<Option<u32>, Error> {
    let Some(runtime) = runtime.map(str::trim).filter(|runtime| !runtime.is_empty()) else {
        return Ok(None);
    };
    let major = |name: &str| -> Option<u32> {
        let digits = name.to_ascii_lowercase();
        let digits = digits.strip_prefix("nodejs")?.to_owned();
        digits.split('.').all(|part| part.parse::<u32>().is_ok()).then_some(())?;
        digits.split('.').next()?.parse().ok()
    };
    let known = |asked: u32| RUNTIMES.iter().any(|name| major(name) == Some(asked));
    match major(runtime).filter(|asked| known(*asked)) {
        Some(asked) => Ok(Some(asked)),
        None => Err(Error::MendPackage(format!(
            "Runtime \"{runtime}\" is not served. Known are {}. / 不支持运行时“{runtime}”,可用:{}。",
            RUNTIMES.join(", "),
            RUNTIMES.join("、")
        ))),
    }
}
