//! `[wechat]` of `yunkai.toml`: the AppID, payments, pushed messages. Keys and secrets come from
//! the file alone and are never printed.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use platform::WeChatOptions;
use platform::wechat_options::{HttpOptions, Mode, PayOptions, PushOptions, SignType};
use serde::Deserialize;

/// `[wechat]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeChatToml {
    app_id: String,
    app_secret: String,
    base_url: Option<String>,
    /// Access tokens that several servers may share.
    #[serde(default)]
    stable_token: bool,
    pay: Option<PayToml>,
    push: Option<PushToml>,
}

/// `[wechat.pay]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayToml {
    mch_id: String,
    key: String,
    #[serde(default)]
    mode: ModeToml,
    /// The provider's AppID, in the mode `provider`.
    app_id: Option<String>,
    /// `MD5` or `HMAC-SHA256`.
    sign_type: Option<String>,
    /// PEM files; refunds need them.
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeToml {
    #[default]
    Merchant,
    Provider,
}

/// `[wechat.push]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PushToml {
    token: String,
    encoding_aes_key: Option<String>,
    #[serde(default)]
    accept_plain: bool,
}

impl WeChatToml {
    /// What the platform is asked for.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn options(self) -> Result<WeChatOptions> {
        let mut options = HttpOptions::new(self.app_id, self.app_secret);
        options.base_url = self.base_url.unwrap_or(options.base_url);
        options.stable_token = self.stable_token;
        options.pay = self.pay.map(PayToml::options).transpose()?;
        options.push = self.push.map(|push| PushOptions {
            token: push.token,
            encoding_aes_key: push.encoding_aes_key,
            accepts_plain: push.accept_plain,
        });
        Ok(WeChatOptions::Http(options))
    }
}

impl PayToml {
    fn options(self) -> Result<PayOptions> {
        let mode = match (self.mode, self.app_id) {
            (ModeToml::Merchant, None) => Mode::Merchant,
            (ModeToml::Provider, Some(app_id)) => Mode::Provider { app_id },
            _ => bail!(
                "wechat.pay: app_id belongs to mode = \"provider\", and to that alone. / \
                 wechat.pay: 仅 mode = \"provider\" 时需要且必须设置 app_id。"
            ),
        };
        let sign_type = match self.sign_type.as_deref() {
            None => SignType::default(),
            Some(name) => SignType::parse(name).ok_or_else(|| {
                anyhow!(
                    "wechat.pay.sign_type is MD5 or HMAC-SHA256. / wechat.pay.sign_type 须为 MD5 \
                     或 HMAC-SHA256。"
                )
            })?,
        };
        let certificate = match (self.certificate, self.private_key) {
            (None, None) => None,
            (Some(certificate), Some(private_key)) => {
                let mut pem = Vec::new();
                for path in [certificate, private_key] {
                    let path_shown = path.display().to_string();
                    let part = std::fs::read(&path).map_err(|error| {
                        anyhow!("{path_shown} cannot be read: {error}. / 无法读取 {path_shown}。")
                    })?;
                    pem.extend(part);
                    pem.push(b'\n');
                }
                Some(pem)
            }
            _ => bail!(
                "wechat.pay: set certificate and private_key, or neither. / wechat.pay: certificate \
                 与 private_key 须同时设置。"
            ),
        };
        let base_url = self.base_url.unwrap_or_default();
        let (mch_id, key) = (self.mch_id, self.key);
        Ok(PayOptions { mch_id, key, mode, sign_type, certificate, base_url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<WeChatOptions> {
        let toml: WeChatToml = toml::from_str(text)?;
        toml.options()
    }

    #[test]
    fn payments_and_pushed_messages_are_read() {
        let text = r#"
            app_id = "wx1"
            app_secret = "s"
            stable_token = true
            [pay]
            mch_id = "100"
            key = "k"
            mode = "provider"
            app_id = "wx2"
            sign_type = "HMAC-SHA256"
            [push]
            token = "t"
        "#;
        let WeChatOptions::Http(options) = read(text).unwrap() else { panic!("not over HTTP") };
        assert!(options.stable_token);
        let pay = options.pay.unwrap();
        assert_eq!(pay.mode, Mode::Provider { app_id: "wx2".to_owned() });
        assert_eq!(pay.sign_type, SignType::HmacSha256);
        assert_eq!(options.push.unwrap().token, "t");
    }

    #[test]
    fn what_cannot_work_is_said() {
        for pay in [
            "mode = \"provider\"",
            "app_id = \"wx2\"",
            "sign_type = \"SHA1\"",
            "certificate = \"nowhere.pem\"",
            "certificate = \"nowhere.pem\"\nprivate_key = \"nowhere.pem\"",
            "unknown = 1",
        ] {
            let head = "app_id = \"wx1\"\napp_secret = \"s\"\n[pay]\nmch_id = \"1\"\nkey = \"k\"\n";
            assert!(read(&format!("{head}{pay}")).is_err(), "{pay}");
        }
    }
}
