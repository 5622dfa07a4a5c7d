//! Which open APIs a function may call: those its `config.json` names. A function that says nothing
//! about it may call all (`docs/decisions/0085`).

use crate::environment::Environment;
use crate::error::{Code, Error, Result};
use crate::invocations::InvocationContext;
use crate::journal::Event;

/// "The function has no permission to call this API", as WeChat numbers it.
const NO_PERMISSION: i64 = -604_101;
/// Stands for every API.
const ALL: &str = "*";

pub(super) fn check(
    environment: &Environment,
    function: &InvocationContext,
    name: &str,
) -> Result<()> {
    let served =
        environment.functions().version(environment.id(), &function.function, &function.version);
    if served.is_none_or(|served| allows(&served.settings.permissions, name)) {
        return Ok(());
    }
    let api = wechat::api_name(name);
    let message = format!(
        "{0} may not call {api}: add it to permissions.openapi in the function's config.json and \
         deploy again. / 云函数 {0} 没有调用 {api} 的权限:请在该函数的 config.json 的 \
         permissions.openapi 中声明后重新部署。",
        function.function
    );
    environment.record(Event::Notice { text: message.clone() });
    Err(Error::new(Code::WeChatRefused, message).numbered(NO_PERMISSION))
}

/// An API is named with or without `openapi.`, and by its name or its path.
fn allows(allowed: &[String], name: &str) -> bool {
    let plain =
        |name: &str| wechat::api_name(name.strip_prefix("openapi.").unwrap_or(name)).to_owned();
    let name = plain(name);
    allowed.iter().any(|it| it == ALL || plain(it) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_allowed_by_its_name_its_path_and_with_the_prefix() {
        let rows: [(&[&str], &str, bool); 8] = [
            (&[], "wxacode.get", false),
            (&["wxacode.get"], "wxacode.get", true),
            (&["openapi.wxacode.get"], "wxacode.get", true),
            (&["wxacode.get"], "/wxa/getwxacode", true),
            (&["/wxa/getwxacode"], "wxacode.get", true),
            (&["wxacode.getUnlimited"], "wxacode.get", false),
            (&["wxacode.*"], "wxacode.get", false),
            (&["*"], "anything", true),
        ];
        for (allowed, name, expected) in rows {
            let list: Vec<String> = allowed.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(allows(&list, name), expected, "{allowed:?} {name}");
        }
    }
}
