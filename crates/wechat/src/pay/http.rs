//! The real WeChat Pay over HTTPS.

use std::time::Duration;

use bytes::Bytes;
use engine::Clock;
use reqwest::{Identity, Url};

use super::fields::{numbered, of_call};
use super::sign::{is_signed, payment, sign};
use super::{DEFAULT_BASE_URL, Fields, Notification, PayCall, PayOptions, PayReply, route};
use crate::error::{Error, code};
use crate::http::{install_tls_provider, receive, unreadable};
use crate::xml;

/// How long one request may take; WeChat Pay asks for at least 10 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A client of WeChat Pay for one merchant.
pub(crate) struct PayClient {
    options: PayOptions,
    base_url: Url,
    http: reqwest::Client,
    clock: Clock,
}

impl PayClient {
    pub(crate) fn new(options: PayOptions) -> Result<Self, Error> {
        for (name, value) in [("mch_id", &options.mch_id), ("key", &options.key)] {
            if value.trim().is_empty() {
                return Err(misconfigured(&format!("wechat.pay.{name} is empty")));
            }
        }
        let base_url = match options.base_url.trim() {
            "" => DEFAULT_BASE_URL,
            given => given,
        };
        let base_url = Url::parse(base_url)
            .map_err(|_| misconfigured("wechat.pay.base_url is not an address"))?;
        install_tls_provider();
        let mut builder = reqwest::Client::builder().timeout(REQUEST_TIMEOUT);
        if let Some(pem) = &options.certificate {
            let identity = Identity::from_pem(pem).map_err(|_| {
                misconfigured("wechat.pay.certificate and private_key are not a PEM pair")
            })?;
            builder = builder.identity(identity);
        }
        let http = builder.build().map_err(|error| {
            misconfigured(&format!("wechat.pay cannot be used: {}", error.without_url()))
        })?;
        Ok(Self { options, base_url, http, clock: Clock::system() })
    }

    /// Sends a call and reads its reply.
    pub(crate) async fn call(&self, call: &PayCall, app_id: &str) -> Result<PayReply, Error> {
        let route = route(&call.name).ok_or_else(|| Error::api_not_found(&call.name))?;
        if route.wants_certificate && self.options.certificate.is_none() {
            return Err(misconfigured(&format!(
                "{} needs the merchant's certificate: set wechat.pay.certificate and private_key",
                call.name
            )));
        }
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let mut fields = of_call(call, &self.options, app_id, &nonce)?;
        let signature = sign(&fields, &self.options.key, self.options.sign_type);
        fields.insert("sign".to_owned(), signature.into());
        let body = xml::write(fields.iter().map(|(name, value)| (name.as_str(), value)));
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}{}", self.base_url.path().trim_end_matches('/'), route.path));
        let request = self.http.post(url).header("content-type", "text/xml").body(body);
        let (_, body) = receive(request).await?;
        self.read(call, app_id, &nonce, body)
    }

    fn read(
        &self,
        call: &PayCall,
        app_id: &str,
        nonce: &str,
        body: Bytes,
    ) -> Result<PayReply, Error> {
        let reply = std::str::from_utf8(&body).ok().and_then(xml::read);
        let Some(mut reply) = reply else {
            return match call.name.as_str() {
                "downloadBill" | "downloadFundflow" => Ok(PayReply::Bytes(body)),
                _ => Err(unreadable("WeChat Pay answered something that is not XML")),
            };
        };
        let is = |reply: &Fields, name: &str| reply.get(name).is_some_and(|it| it == "SUCCESS");
        // Refusals before the signature was judged carry none.
        if is(&reply, "return_code")
            && reply.contains_key("result_code")
            && !is_signed(&reply, &self.options.key)
        {
            return Err(unreadable("the signature of WeChat Pay's reply does not fit the key"));
        }
        if call.name == "unifiedOrder" && is(&reply, "result_code") {
            let prepay_id = reply.get("prepay_id").and_then(|it| it.as_str()).unwrap_or_default();
            let given = call.arguments.get("sub_appid").and_then(|it| it.as_str());
            let (key, sign_type) = (&self.options.key, self.options.sign_type);
            let now_s = self.clock.now_ms() / 1_000;
            let of = given.unwrap_or(app_id);
            let payment = payment(of, prepay_id, nonce, now_s, key, sign_type);
            reply.insert("payment".to_owned(), payment);
        }
        numbered(&mut reply);
        Ok(PayReply::Fields(reply))
    }

    pub(crate) fn notification(&self, body: &str) -> Option<Notification> {
        Notification::read(body, &self.options.key)
    }
}

fn misconfigured(what: &str) -> Error {
    Error::new(
        code::CONFIGURATION,
        format!("{what}; correct [wechat.pay]. / 请修正 [wechat.pay] 配置。"),
    )
}
