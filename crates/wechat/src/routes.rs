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

/// All names.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.name)
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
    json("auth.checkEncryptedData", "/wxa/business/checkencryptedmsg"),
    query("auth.getPaidUnionId", "/wxa/getpaidunionid"),
    json("cloudbase.addDelayedFunctionTask", "/tcb/adddelayedfunctiontask"),
    json("cloudbase.sendSms", "/tcb/sendsms"),
    query("customerServiceMessage.getTempMedia", "/cgi-bin/media/get"),
    json("customerServiceMessage.send", "/cgi-bin/message/custom/send"),
    json("customerServiceMessage.setTyping", "/cgi-bin/message/custom/typing"),
    multipart("customerServiceMessage.uploadTempMedia", "/cgi-bin/media/upload"),
    json("hardwareDevice.getSnTicket", "/wxa/getsnticket"),
    json("hardwareDevice.send", "/cgi-bin/message/device/subscribe/send"),
    multipart("img.aiCrop", "/cv/img/aicrop"),
    multipart("img.scanQRCode", "/cv/img/qrcode"),
    multipart("img.superresolution", "/cv/img/superresolution"),
    json(
        "immediateDelivery.abnormalConfirm",
        "/cgi-bin/express/local/business/order/confirm_return",
    ),
    json("immediateDelivery.addOrder", "/cgi-bin/express/local/business/order/add"),
    json("immediateDelivery.addTip", "/cgi-bin/express/local/business/order/addtips"),
    json("immediateDelivery.bindAccount", "/cgi-bin/express/local/business/shop/add"),
    json("immediateDelivery.cancelOrder", "/cgi-bin/express/local/business/order/cancel"),
    json("immediateDelivery.getAllImmeDelivery", "/cgi-bin/express/local/business/delivery/getall"),
    json("immediateDelivery.getBindAccount", "/cgi-bin/express/local/business/shop/get"),
    json("immediateDelivery.getOrder", "/cgi-bin/express/local/business/order/get"),
    json("immediateDelivery.mockUpdateOrder", "/cgi-bin/express/local/business/test_update_order"),
    json("immediateDelivery.openDelivery", "/cgi-bin/express/local/business/open"),
    json("immediateDelivery.preAddOrder", "/cgi-bin/express/local/business/order/pre_add"),
    json("immediateDelivery.preCancelOrder", "/cgi-bin/express/local/business/order/precancel"),
    json("immediateDelivery.reOrder", "/cgi-bin/express/local/business/order/readd"),
    json(
        "immediateDelivery.realMockUpdateOrder",
        "/cgi-bin/express/local/business/realmock_update_order",
    ),
    json("immediateDelivery.updateOrder", "/cgi-bin/express/local/delivery/update_order"),
    json("logistics.addOrder", "/cgi-bin/express/business/order/add"),
    json("logistics.batchGetOrder", "/cgi-bin/express/business/order/batchget"),
    json("logistics.bindAccount", "/cgi-bin/express/business/account/bind"),
    json("logistics.cancelOrder", "/cgi-bin/express/business/order/cancel"),
    query("logistics.getAllAccount", "/cgi-bin/express/business/account/getall"),
    query("logistics.getAllDelivery", "/cgi-bin/express/business/delivery/getall"),
    json("logistics.getContact", "/cgi-bin/express/delivery/contact/get"),
    json("logistics.getOrder", "/cgi-bin/express/business/order/get"),
    json("logistics.getPath", "/cgi-bin/express/business/path/get"),
    query("logistics.getPrinter", "/cgi-bin/express/business/printer/getall"),
    json("logistics.getQuota", "/cgi-bin/express/business/quota/get"),
    json("logistics.previewTemplate", "/cgi-bin/express/delivery/template/preview"),
    json("logistics.testUpdateOrder", "/cgi-bin/express/business/test_update_order"),
    json("logistics.updateBusiness", "/cgi-bin/express/delivery/service/business/update"),
    json("logistics.updatePath", "/cgi-bin/express/delivery/path/update"),
    json("logistics.updatePrinter", "/cgi-bin/express/business/printer/update"),
    json("nearbyPoi.add", "/wxa/addnearbypoi"),
    json("nearbyPoi.delete", "/wxa/delnearbypoi"),
    query("nearbyPoi.getList", "/wxa/getnearbypoilist"),
    json("nearbyPoi.setShowStatus", "/wxa/setnearbypoishowstatus"),
    multipart("ocr.bankcard", "/cv/ocr/bankcard"),
    multipart("ocr.businessLicense", "/cv/ocr/bizlicense"),
    multipart("ocr.driverLicense", "/cv/ocr/drivinglicense"),
    multipart("ocr.idcard", "/cv/ocr/idcard"),
    multipart("ocr.printedText", "/cv/ocr/comm"),
    multipart("ocr.vehicleLicense", "/cv/ocr/driving"),
    query("operation.getFeedback", "/wxaapi/feedback/list"),
    json("operation.getJsErrSearch", "/wxaapi/log/jserr_search"),
    json("operation.getPerformance", "/wxaapi/log/get_performance"),
    query("operation.getSceneList", "/wxaapi/log/get_scene"),
    query("operation.getVersionList", "/wxaapi/log/get_client_version"),
    query("operation.realtimelogSearch", "/wxaapi/userlog/userlog_search"),
    json("phonenumber.getPhoneNumber", "/wxa/business/getuserphonenumber"),
    json("pluginManager.applyPlugin", "/wxa/plugin"),
    json("pluginManager.getPluginDevApplyList", "/wxa/devplugin"),
    json("pluginManager.getPluginList", "/wxa/plugin"),
    json("pluginManager.setDevPluginApplyStatus", "/wxa/devplugin"),
    json("pluginManager.unbindPlugin", "/wxa/plugin"),
    json("riskControl.getUserRiskRank", "/wxa/getuserriskrank"),
    multipart("search.imageSearch", "/wxa/imagesearch"),
    json("search.siteSearch", "/wxa/sitesearch"),
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
