//! Where each open API lives on WeChat's servers: SDK name → method, path and shape of the request.
//! A name that is not here is refused; a path may always be called as a path.

/// How the arguments travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `POST`, arguments as one JSON object.
    Json,
    /// `GET`, arguments as query parameters.
    Query,
    /// `POST` of `multipart/form-data`, files as parts, other arguments as query parameters.
    Multipart,
}

/// One open API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// The SDK's name, without `openapi.`.
    pub(crate) name: &'static str,
    /// The path, without the access token.
    pub(crate) path: &'static str,
    /// How the arguments travel.
    pub(crate) shape: Shape,
}

/// The API of this SDK name.
pub(crate) fn by_name(name: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.name == name)
}

/// The API at this path.
pub(crate) fn by_path(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.path == path)
}

const fn json(name: &'static str, path: &'static str) -> Route {
    Route { name, path, shape: Shape::Json }
}

const fn query(name: &'static str, path: &'static str) -> Route {
    Route { name, path, shape: Shape::Query }
}

const fn multipart(name: &'static str, path: &'static str) -> Route {
    Route { name, path, shape: Shape::Multipart }
}

const ROUTES: &[Route] = &[
    json("analysis.getDailyRetain", "/datacube/getweanalysisappiddailyretaininfo"),
    json("analysis.getDailySummary", "/datacube/getweanalysisappiddailysummarytrend"),
    json("analysis.getDailyVisitTrend", "/datacube/getweanalysisappiddailyvisittrend"),
    json("analysis.getMonthlyRetain", "/datacube/getweanalysisappidmonthlyretaininfo"),
    json("analysis.getMonthlyVisitTrend", "/datacube/getweanalysisappidmonthlyvisittrend"),
    json("analysis.getUserPortrait", "/datacube/getweanalysisappiduserportrait"),
    json("analysis.getVisitDistribution", "/datacube/getweanalysisappidvisitdistribution"),
    json("analysis.getVisitPage", "/datacube/getweanalysisappidvisitpage"),
    json("analysis.getWeeklyRetain", "/datacube/getweanalysisappidweeklyretaininfo"),
    json("analysis.getWeeklyVisitTrend", "/datacube/getweanalysisappidweeklyvisittrend"),
    query("auth.getPaidUnionId", "/wxa/getpaidunionid"),
    json("cloudbase.addDelayedFunctionTask", "/tcb/adddelayedfunctiontask"),
    json("cloudbase.sendSms", "/tcb/sendsms"),
    query("customerServiceMessage.getTempMedia", "/cgi-bin/media/get"),
    json("customerServiceMessage.send", "/cgi-bin/message/custom/send"),
    json("customerServiceMessage.setTyping", "/cgi-bin/message/custom/typing"),
    multipart("customerServiceMessage.uploadTempMedia", "/cgi-bin/media/upload"),
    multipart("img.aiCrop", "/cv/img/aicrop"),
    multipart("img.scanQRCode", "/cv/img/qrcode"),
    multipart("img.superresolution", "/cv/img/superresolution"),
    json("logistics.addOrder", "/cgi-bin/express/business/order/add"),
    json("logistics.cancelOrder", "/cgi-bin/express/business/order/cancel"),
    query("logistics.getAllDelivery", "/cgi-bin/express/business/delivery/getall"),
    json("logistics.getOrder", "/cgi-bin/express/business/order/get"),
    json("logistics.getPath", "/cgi-bin/express/business/path/get"),
    multipart("ocr.bankcard", "/cv/ocr/bankcard"),
    multipart("ocr.businessLicense", "/cv/ocr/bizlicense"),
    multipart("ocr.driverLicense", "/cv/ocr/drivinglicense"),
    multipart("ocr.idcard", "/cv/ocr/idcard"),
    multipart("ocr.printedText", "/cv/ocr/comm"),
    multipart("ocr.vehicleLicense", "/cv/ocr/driving"),
    json("phonenumber.getPhoneNumber", "/wxa/business/getuserphonenumber"),
    json("riskControl.getUserRiskRank", "/wxa/getuserriskrank"),
    json("search.submitPages", "/wxa/search/wxaapi_submitpages"),
    multipart("security.imgSecCheck", "/wxa/img_sec_check"),
    json("security.mediaCheckAsync", "/wxa/media_check_async"),
    json("security.msgSecCheck", "/wxa/msg_sec_check"),
    json("serviceMarket.invokeService", "/wxa/servicemarket"),
    json("shortlink.generate", "/wxa/genwxashortlink"),
    json("soter.verifySignature", "/cgi-bin/soter/verify_signature"),
    json("subscribeMessage.addTemplate", "/wxaapi/newtmpl/addtemplate"),
    json("subscribeMessage.deleteTemplate", "/wxaapi/newtmpl/deltemplate"),
    query("subscribeMessage.getCategory", "/wxaapi/newtmpl/getcategory"),
    query("subscribeMessage.getPubTemplateKeyWordsById", "/wxaapi/newtmpl/getpubtemplatekeywords"),
    query("subscribeMessage.getPubTemplateTitleList", "/wxaapi/newtmpl/getpubtemplatetitles"),
    query("subscribeMessage.getTemplateList", "/wxaapi/newtmpl/gettemplate"),
    json("subscribeMessage.send", "/cgi-bin/message/subscribe/send"),
    json("templateMessage.addTemplate", "/cgi-bin/wxopen/template/add"),
    json("templateMessage.deleteTemplate", "/cgi-bin/wxopen/template/del"),
    json("templateMessage.getTemplateLibraryById", "/cgi-bin/wxopen/template/library/get"),
    json("templateMessage.getTemplateLibraryList", "/cgi-bin/wxopen/template/library/list"),
    json("templateMessage.getTemplateList", "/cgi-bin/wxopen/template/list"),
    json("templateMessage.send", "/cgi-bin/message/wxopen/template/send"),
    json("uniformMessage.send", "/cgi-bin/message/wxopen/template/uniform_send"),
    query("updatableMessage.createActivityId", "/cgi-bin/message/wxopen/activityid/create"),
    json("updatableMessage.setUpdatableMsg", "/cgi-bin/message/wxopen/updatablemsg/send"),
    json("urllink.generate", "/wxa/generate_urllink"),
    json("urllink.query", "/wxa/query_urllink"),
    json("urlscheme.generate", "/wxa/generatescheme"),
    json("urlscheme.query", "/wxa/queryscheme"),
    json("wxaSecOrder.uploadShippingInfo", "/wxa/sec/order/upload_shipping_info"),
    json("wxacode.createQRCode", "/cgi-bin/wxaapp/createwxaqrcode"),
    json("wxacode.get", "/wxa/getwxacode"),
    json("wxacode.getUnlimited", "/wxa/getwxacodeunlimit"),
];
