//! The front page: what runs here, and where to go on. Without scripts, readable aloud, Chinese first.

use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, header};

use crate::contract::{Contract, Route};

/// Names of the services by their package.
const NAMES: [(&str, &str, &str); 8] = [
    ("catalogue", "事项库", "service items and their guides"),
    ("intake", "综合受理", "applications"),
    ("approval", "行政审批", "cases"),
    ("license", "电子证照", "electronic licences"),
    ("evaluation", "好差评", "evaluations"),
    ("trading", "公共资源交易", "trading notices"),
    ("gateway", "我的", "what concerns the caller"),
    ("ledger", "账本", "each service's ledger"),
];

const HEAD: &str = "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>一网 Yiwang</title>\n<style>\n\
body{font:1.05rem/1.7 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\n\
h1{font-size:1.8rem;margin-bottom:0}h2{font-size:1.2rem;margin:1.6rem 0 .3rem}\n\
small,.en{color:#555}a{color:#0b5394}code{font-size:.95em}\n\
table{border-collapse:collapse;width:100%}td{padding:.15rem .6rem .15rem 0;vertical-align:top}\n\
td:first-child{white-space:nowrap}\n\
@media (prefers-color-scheme:dark){body{color:#eee;background:#161616}small,.en{color:#aaa}a{color:#8ab4f8}}\n\
</style>\n</head>\n<body>\n<main>\n";

/// The page.
pub fn front(contract: &Contract, dev: bool) -> String {
    let mut page = String::from(HEAD);
    page.push_str(
        "<h1>一网 <small lang=\"en\">Yiwang</small></h1>\n<p>政务服务一网通办：一次申请，各部门依法限时办理，出具电子证照，由群众评价，\
         公共资源公开交易；每一步都记入不可暗改的账本。<br>\
         <span class=\"en\" lang=\"en\">One door for every government service. HTTP/JSON and gRPC answer on this port.</span></p>\n\
         <h2>从这里开始 <small lang=\"en\">Start here</small></h2>\n<ul>\n\
         <li><a href=\"/v1/items?query=%E9%A3%9F%E5%93%81%20%E5%B0%8F%E7%BB%8F%E8%90%A5%E5%BA%97\">查事项：食品 小经营店</a></li>\n\
         <li><a href=\"/v1/notices\">交易公告</a></li>\n\
         <li><a href=\"/openapi.json\">接口说明 OpenAPI 3.1</a></li>\n\
         <li><a href=\"/readyz\">各服务是否就绪</a></li>\n",
    );
    if dev {
        page.push_str("<li><a href=\"/v1/dev/clock\">法定时钟</a>（仅试用环境）</li>\n");
    }
    page.push_str("</ul>\n");
    for (package, zh, en) in NAMES {
        let routes: Vec<_> = contract.routes.iter().filter(|route| belongs(route, package)).collect();
        page.push_str(&format!("<h2>{zh} <small lang=\"en\">{en}</small></h2>\n<table>\n"));
        for route in routes {
            let about = route.comment().lines().next().unwrap_or_default().to_owned();
            let (method, pattern) = (&route.method, escape(&route.pattern));
            page.push_str(&format!("<tr><td><code>{method} {pattern}</code></td><td>{}</td></tr>\n", escape(&about)));
        }
        page.push_str("</table>\n");
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The page as a response that may load nothing.
pub fn response(page: String) -> Response {
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn belongs(route: &Route, package: &str) -> bool {
    route.rpc.parent_service().package_name().split('.').nth(1) == Some(package)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_route_and_runs_nothing() {
        let contract = Contract::load().unwrap();
        let page = front(&contract, true);
        let missing: Vec<_> = contract.routes.iter().filter(|route| !page.contains(&escape(&route.pattern))).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(!page.contains("<script"));
    }
}
